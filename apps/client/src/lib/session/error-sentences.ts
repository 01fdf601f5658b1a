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
  'link/view-only': {
    what: 'This is a view link, which this version of Parley cannot open yet.',
    next: 'Reload to see whether a new version is ready, or ask for an edit link.',
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
    next: 'The rest is here. What is missing comes back from others who have it, when you are online together.',
  },
  'device/failed': {
    what: 'This device could not save the last change.',
    next: 'It is in this tab only, and saving is tried again by itself. Keep the tab open.',
  },
  'document/empty': {
    what: 'Nothing of this session has arrived on this device yet.',
    next: 'Open it while somebody who has it is online; then it can be renamed.',
  },
  'document/newer': {
    what: 'A newer version of Parley has worked on this session.',
    next: 'You can read it. To write, reload until the new version is here; nothing has been changed.',
  },
} as const;
