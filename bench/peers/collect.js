/** Loaded into a server whose memory is measured: gives back all that it can spare, as soon as it is asked. */
process.on('message', () => {
  globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  process.send('collected');
});
