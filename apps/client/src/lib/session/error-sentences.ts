/**
 * Everything that can keep a session from being opened or kept, as one catalogue: the code is stable and may be
 * tested for, the sentences are for the person: what happened, and what is safe or what to do.
 */
export const catalogue = {
  'link/malformed': {
    what: 'This address is not a session.',
    next: 'Ask for the link again, and open all of it: it begins with /session/ and has a part after #.',
  },
  'link/incomplete': {
    what: 'This link is cut off: a part of its key is missing.',
    next: 'Ask for it again and copy all of it, to its last character. Some programs break long links in two.',
  },
  'link/mistyped': {
    what: 'This link is damaged: its key does not pass its own check.',
    next: 'A character is wrong or missing. Ask for the link again and copy it rather than typing it.',
  },
  'link/foreign': {
    what: 'The key in this link belongs to another session.',
    next: 'Two links have been mixed up. Ask for the link to this session again.',
  },
  'link/weaker': {
    what: 'This is the view link.',
    next: 'This device has the edit link as well, so you can edit here. Whoever has only the view link cannot.',
  },
  'session/unknown': {
    what: 'This device does not know this session.',
    next: 'The key is in the part of the link after #, and this address has none. Open the whole link once on this device.',
  },
  'session/broken': {
    what: 'This session could not be opened.',
    next: 'Nothing on this device has been changed. Reload the page; if it stays like this, open the session on another device.',
  },
  'browser/insecure': {
    what: 'This address is not secure, so the browser refuses to encrypt.',
    next: 'Open Parley over https, or on http://localhost on the machine that runs it.',
  },
  'browser/too-old': {
    what: 'This browser lacks the signatures (Ed25519) that Parley needs.',
    next: 'Update it. Chrome and Edge from 137, Firefox from 129 and Safari from 17 have them.',
  },
  'device/unavailable': {
    what: 'This browser keeps nothing for Parley.',
    next: 'Private windows and blocked site data do that. You can work and sync with others, but keep the link: when this tab closes, this device forgets.',
  },
  'device/full': {
    what: 'The storage of this device is full.',
    next: 'What you write now is in this tab only. Free some space and it is saved by itself; until then keep the tab open.',
  },
  'device/damaged': {
    what: 'A part of what this device had saved of this session cannot be read.',
    next: 'The rest is here. What is missing comes back from the relay, or from others who have it.',
  },
  'device/failed': {
    what: 'This device could not save the last change.',
    next: 'It is in this tab only, and saving is tried again by itself. Keep the tab open.',
  },
  'document/empty': {
    what: 'Nothing of this session has arrived on this device yet.',
    next: 'Open it while you are online; once it has arrived, it can be renamed.',
  },
  'document/view-only': {
    what: 'You can view this session, not change it.',
    next: 'Whoever sent you the link can give you the edit link.',
  },
  'document/newer': {
    what: 'A newer version of Parley has worked on this session.',
    next: 'You can read it. To write, reload until the new version is here; nothing has been changed.',
  },
  'relay/quota-exceeded': {
    what: 'This session has reached what the relay keeps of one.',
    next: 'What you write is safe on this device, but the relay takes no more of it. Only those whose browser is connected to yours directly get it; with a view link, or through the relay, it may not arrive. Make a new session for what comes next, or ask whoever runs the relay for more room.',
  },
  'relay/budget-spent': {
    what: 'The relay takes nothing more at the moment: its allowance is used up.',
    next: 'What you write is safe on this device and is sent by itself later, by tomorrow at the latest.',
  },
  'relay/forked': {
    what: 'The relay has told two different stories about this session.',
    next: 'It may have been restored from a backup, or somebody tampers with it. It cannot read or forge anything, and nothing here is lost: everything it lacks is sent again. If this comes back, ask whoever runs the relay.',
  },
  'relay/rolled-back': {
    what: 'The relay no longer has changes that it had confirmed.',
    next: 'Nothing here is lost: what it lacks is being sent again. Until that is done, keep this device’s copy.',
  },
  'relay/deleted': {
    what: 'Somebody with the edit link has deleted this session from the relay.',
    next: 'Your copy on this device stays. What you write from now on does not go to the relay; only those whose browser is connected to yours directly get it.',
  },
  'relay/quarantined': {
    what: 'A change that somebody sent cannot be opened safely, and was left out.',
    next: 'Everything else is here. Ask the others whether something is missing; if so, let them write it again.',
  },
  'relay/refused': {
    what: 'The relay does not accept what this device sends.',
    next: 'Check that the date and time of this device are right, then reload the page. What you write is safe on this device.',
  },
  'relay/private': {
    what: 'This relay is private, and does not let this device in.',
    next: 'It takes an access key, which whoever runs it gives out. What you write meanwhile is safe on this device, and goes to those whose browser is connected to yours directly.',
  },
} as const;
