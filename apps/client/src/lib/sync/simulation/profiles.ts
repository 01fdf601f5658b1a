/** What can happen in a simulation. */
export type Action =
  | 'edit'
  /** A way to the relay is cut, or there again. */
  | 'cut'
  /** Somebody is in another mesh from now on, or in none. */
  | 'mesh'
  /** Somebody wants to be reached through the relay only from now on, or directly as well. */
  | 'relay only'
  | 'crash'
  | 'close'
  | 'open'
  /** A device that is off is thrown away. */
  | 'wipe'
  /** The network and the relay's database are worse from now on, or better. */
  | 'weather'
  | 'restart relay'
  /** A device's clock is set. */
  | 'clock'
  | 'online'
  /** The relay loses the log, and makes another one. */
  | 'remake'
  /** Somebody with a newer version writes. */
  | 'unknown kind'
  /** Somebody with the edit link writes what cannot be applied. */
  | 'poison'
  /** Somebody's device fails while it applies what the mailbox brings next. */
  | 'fail amid'
  /** Somebody with the edit link writes what no device survives; or sends it live, over and over. */
  | 'deadly'
  | 'deadly live'
  /** The relay takes less than is wanted from now on: in all, in a minute or in a day. */
  | 'limit'
  /** It takes as much as ever. */
  | 'lift'
  /** Somebody with the edit link deletes the session from the relay. */
  | 'delete'
  /** The relay goes back to an earlier state. */
  | 'rollback'
  /** The relay tells half of the people another story, or all the same again. */
  | 'fork'
  | 'lie'
  | 'truth'
  /** Somebody with the view link sends what it should not. */
  | 'forge'
  /** Some pairs cannot be connected directly from now on, and others can again. */
  | 'part'
  /** Somebody writes what the mesh sends in many frames, and may vanish in the middle of it. */
  | 'write much'
  /** A device takes nothing more, or does again. */
  | 'full'
  | 'open tab'
  /** A tab is closed by its person, or ends without a word. */
  | 'close tab'
  | 'kill tab'
  /** A tab does nothing from now on; a leader, for a while. */
  | 'freeze'
  | 'freeze leader'
  | 'thaw'
  | 'hide'
  | 'show';

export interface Profile {
  /** At most. */
  readonly writers: number;
  readonly viewers: number;
  readonly actions: number;
  /** What happens, as often as it is in here. */
  readonly script: readonly Action[];
  /** The relay keeps what it acknowledged. */
  readonly honest: boolean;
  /** How often a device fails to write. */
  readonly failingDevice: number;
  /** The most tabs that a device opens. */
  readonly tabs: number;
  /** How long it can take until a tab hears what has become of its locks, in milliseconds: so long two may lead. */
  readonly lockDelay: number;
  /** The mesh may be there in the end. */
  readonly keepsMesh: boolean;
  /** The longest time between two actions, in milliseconds. */
  readonly pause: number;
}

const edits: Action[] = Array.from({ length: 12 }, () => 'edit');
const common = {
  ...{ writers: 4, viewers: 1, actions: 32, honest: true, failingDevice: 0 },
  ...{ tabs: 1, lockDelay: 4, keepsMesh: false, pause: 5_000 },
};
const ofTabs = { ...common, writers: 3, tabs: 3, actions: 40, keepsMesh: true, pause: 8_000 };

export const PROFILES = {
  honest: { ...common, script: [...edits, 'mesh', 'cut', 'cut', 'close', 'open', 'open', 'online'] },
  flaky: {
    ...common,
    script: [...edits, 'weather', 'weather', 'mesh', 'cut', 'cut', 'restart relay', 'online', 'clock'],
  },
  crashing: {
    ...common,
    failingDevice: 0.1,
    script: [
      ...edits,
      'crash',
      'crash',
      'crash',
      'open',
      'open',
      'open',
      'wipe',
      'weather',
      'mesh',
      'close',
      'cut',
    ],
  },
  anew: {
    ...common,
    honest: false,
    script: [...edits, 'remake', 'mesh', 'cut', 'weather', 'crash', 'open', 'open'],
  },
  'hostile relay': {
    ...common,
    honest: false,
    script: [
      ...edits,
      'rollback',
      'fork',
      'lie',
      'lie',
      'truth',
      'truth',
      'forge',
      'mesh',
      'cut',
      'crash',
      'open',
      'restart relay',
    ],
  },
  'hostile viewer': {
    ...common,
    writers: 3,
    viewers: 2,
    actions: 30,
    script: [...edits, 'forge', 'forge', 'forge', 'forge', 'mesh', 'cut', 'clock', 'close', 'open'],
  },
  'mixed versions': {
    ...common,
    script: [...edits, 'unknown kind', 'poison', 'weather', 'mesh', 'crash', 'open', 'open', 'cut'],
  },
  limited: {
    ...common,
    script: [...edits, 'limit', 'limit', 'lift', 'weather', 'mesh', 'cut', 'crash', 'open', 'open'],
  },
  deadly: {
    ...common,
    ...{ writers: 3, tabs: 2 },
    script: [
      ...edits,
      ...['fail amid', 'fail amid', 'deadly', 'deadly live', 'mesh', 'cut', 'cut', 'online', 'open'],
    ],
  },
  deleted: {
    ...common,
    script: [...edits, 'delete', 'weather', 'mesh', 'cut', 'cut', 'crash', 'wipe', 'close', 'open', 'open'],
  },
  tabs: {
    ...ofTabs,
    script: [
      ...edits,
      ...['open tab', 'open tab', 'close tab', 'kill tab', 'kill tab', 'freeze leader', 'freeze leader'],
      ...['freeze', 'thaw', 'hide', 'show', 'cut', 'cut', 'open', 'crash', 'mesh', 'full', 'relay only'],
    ],
  },
  'two leaders': {
    ...ofTabs,
    lockDelay: 20_000,
    script: [
      ...edits,
      ...[
        'open tab',
        'open tab',
        'kill tab',
        'freeze leader',
        'freeze leader',
        'freeze leader',
        'freeze leader',
      ],
      ...['hide', 'show', 'cut', 'open', 'weather', 'mesh'],
    ],
  },
  receipts: {
    ...ofTabs,
    ...{ writers: 4, tabs: 2, failingDevice: 0.05 },
    script: [
      ...edits,
      ...['part', 'part', 'mesh', 'weather', 'cut', 'cut', 'full', 'full', 'freeze leader', 'kill tab'],
      ...['open tab', 'open', 'open', 'crash', 'close', 'relay only'],
    ],
  },
  vanishing: {
    ...ofTabs,
    ...{ writers: 4, tabs: 2, actions: 24 },
    script: [
      ...edits.slice(0, 5),
      ...[
        'write much',
        'write much',
        'part',
        'part',
        'mesh',
        'kill tab',
        'freeze leader',
        'open',
        'open',
        'cut',
      ],
    ],
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;
