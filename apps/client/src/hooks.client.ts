// SvelteKit decodes the fragment of every address and throws at one that cannot be decoded: the page would stay empty.
// Such a fragment is a damaged link, and is to be told as one; this name passes no check either.
try {
  decodeURIComponent(location.hash);
} catch {
  history.replaceState(history.state, '', `${location.pathname}#damaged`);
}
