import * as z from 'zod/mini';
import type { Charge, LlmUsage, Taken } from './llm-budget.ts';

/** What the ledger needs of a database: the part of an object's storage that it uses. `node:sqlite` fits as well. */
export interface LedgerDatabase {
  /** Runs one statement with values for `?1`, `?2` …, and answers with its rows. */
  all(sql: string, ...values: (string | number | null)[]): unknown[];
  /** Does all of it or, when it throws, nothing. */
  transact<Answer>(act: () => Answer): Answer;
}

const TABLES = [
  // The newest is today. Of those before it only those whose answers may still be given.
  'CREATE TABLE IF NOT EXISTS days (day INTEGER PRIMARY KEY, salt TEXT NOT NULL) STRICT',
  // Today's, with what is held. The payer is a hash, or the word relay.
  `CREATE TABLE IF NOT EXISTS taken (payer TEXT PRIMARY KEY, tokens INTEGER NOT NULL, money INTEGER NOT NULL,
     questions INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
  // The day is the one that the hashes are salted with, and that is charged.
  `CREATE TABLE IF NOT EXISTS reservations (id TEXT PRIMARY KEY, day INTEGER NOT NULL, session TEXT NOT NULL, network TEXT,
     tokens INTEGER NOT NULL, money INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
  // One row while the advisor is switched off.
  'CREATE TABLE IF NOT EXISTS switched_off (id INTEGER PRIMARY KEY CHECK (id = 0)) STRICT',
];

export function createTables(database: LedgerDatabase): void {
  for (const table of TABLES) database.all(table);
}

const number = z.int();
const saltRow = z.object({ day: number, salt: z.string() });

type Salt = Readonly<z.infer<typeof saltRow>>;

export interface Days {
  readonly today: Salt;
  /** The day before, while answers of it may still be given. */
  readonly before: Salt | null;
}

/** Begins a day, if it has not begun, which deletes what was taken before. */
export function openDay(database: LedgerDatabase, day: number, drawSalt: () => string): Days {
  const [newest, before = null] = readSalts(database);
  // A clock that goes back over midnight does not bring back a day whose figures are gone.
  if (newest && newest.day >= day) return { today: newest, before };
  const today = { day, salt: drawSalt() };
  return database.transact(() => {
    database.all('DELETE FROM taken');
    database.all('INSERT INTO days (day, salt) VALUES (?1, ?2)', today.day, today.salt);
    deleteIdleDays(database);
    return { today, before: readSalts(database)[1] ?? null };
  });
}

function readSalts(database: LedgerDatabase): Salt[] {
  return database.all('SELECT day, salt FROM days ORDER BY day DESC').map((row) => saltRow.parse(row));
}

function deleteIdleDays(database: LedgerDatabase): void {
  database.all(
    'DELETE FROM days WHERE day < (SELECT max(day) FROM days) AND day NOT IN (SELECT day FROM reservations)',
  );
}

/** What the tables of a day know somebody by: hashes with its salt. Null for who is not asked of, or is not known. */
export interface Names {
  readonly session: string | null;
  readonly network: string | null;
}

export interface Figures {
  readonly usage: LlmUsage;
  /** When the first of the answers that are being given must be over, in milliseconds since 1970. */
  readonly nextEnd: number | null;
}

const figuresRow = z.object({
  ...{ day: number, isOff: number, nextEnd: z.nullable(number) },
  ...{ relay: number, session: number, network: number },
  payer: z.nullable(z.string()),
  ...{ tokens: z.nullable(number), money: z.nullable(number), questions: z.nullable(number) },
});

/**
 * What was taken today, and which answers are being given. In one statement, since each costs time that a question waits.
 *
 * @param before the names of the day before, from which some of those answers may be
 */
export function readFigures(database: LedgerDatabase, names: Names, before: Names, at: number): Figures {
  const rows = database
    .all(
      `WITH open AS (
         SELECT (SELECT max(day) FROM days) AS day, EXISTS (SELECT 1 FROM switched_off) AS isOff, count(*) AS relay,
           count(*) FILTER (WHERE session IN (?2, ?3)) AS session,
           count(*) FILTER (WHERE network IN (?4, ?5)) AS network, min(expires) AS nextEnd
         FROM reservations WHERE expires > ?1
       )
       SELECT * FROM open LEFT JOIN taken ON payer IN ('relay', ?2, ?4)`,
      ...[at, names.session, before.session, names.network, before.network],
    )
    .map((row) => figuresRow.parse(row));
  const [open] = rows;
  if (!open) throw new Error('an aggregate without a row');
  const takenBy = (name: string, streams: number): Taken => {
    const row = rows.find(({ payer }) => payer === name);
    return { tokens: row?.tokens ?? 0, money: row?.money ?? 0, streams, questions: row?.questions ?? 0 };
  };
  return {
    usage: {
      day: open.day,
      isOff: open.isOff === 1,
      taken: {
        relay: takenBy('relay', open.relay),
        session: names.session === null ? null : takenBy(names.session, open.session),
        network: names.network === null ? null : takenBy(names.network, open.network),
      },
    },
    nextEnd: open.nextEnd,
  };
}

/** Holds something for an answer of today that must be over at `expires`, and counts it. */
export function addReservation(
  database: LedgerDatabase,
  { session, network }: Names,
  { id, day, worst, expires }: { id: string; day: number; worst: Charge; expires: number },
): void {
  const { tokens, money } = worst;
  database.all(
    `INSERT INTO reservations (id, day, session, network, tokens, money, expires)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
    ...[id, day, session, network, tokens, money, expires],
  );
  database.all(
    `INSERT INTO taken (payer, tokens, money, questions)
     SELECT value, ?2, ?3, 1 FROM json_each(?1) WHERE value IS NOT NULL
     ON CONFLICT (payer) DO UPDATE
     SET tokens = tokens + ?2, money = money + ?3, questions = questions + 1`,
    ...[JSON.stringify(['relay', session, network]), tokens, money],
  );
}

const reservationRow = z.object({
  ...{ day: number, session: z.string(), network: z.nullable(z.string()), tokens: number, money: number },
});

export type HeldCharge = Readonly<z.infer<typeof reservationRow>>;

/** Takes away what is held under this id; null where it is unknown, or its answer must be over. What was counted stays so. */
export function takeReservation(database: LedgerDatabase, id: string, at: number): HeldCharge | null {
  const [row] = database.all(
    `DELETE FROM reservations WHERE id = ?1 AND expires > ?2
     RETURNING day, session, network, tokens, money`,
    ...[id, at],
  );
  return row === undefined ? null : reservationRow.parse(row);
}

/** Counts so much less for those who were charged; nobody for what is not of today. */
export function giveBack(database: LedgerDatabase, held: HeldCharge, { tokens, money }: Charge): void {
  database.all(
    `UPDATE taken SET tokens = tokens - ?1, money = money - ?2
     WHERE payer IN ('relay', ?3, ?4) AND ?5 = (SELECT max(day) FROM days)`,
    ...[tokens, money, held.session, held.network, held.day],
  );
}

export function turnSwitch(database: LedgerDatabase, isOff: boolean): void {
  database.all(isOff ? 'INSERT OR IGNORE INTO switched_off (id) VALUES (0)' : 'DELETE FROM switched_off');
}

/** Forgets answers that must be over, and the salts that only they needed. What was counted stays so. */
export function forgetOver(database: LedgerDatabase, at: number): void {
  database.all('DELETE FROM reservations WHERE expires <= ?1', at);
  deleteIdleDays(database);
}

const dueRow = z.object({ isTaken: number, expires: z.nullable(number) });

/** Whether anything was taken today, and when the first of what is held expires. */
export function readDue(database: LedgerDatabase): { isTaken: boolean; expires: number | null } {
  const [row] = database.all(
    'SELECT EXISTS (SELECT 1 FROM taken) AS isTaken, min(expires) AS expires FROM reservations',
  );
  const { isTaken, expires } = dueRow.parse(row);
  return { isTaken: isTaken === 1, expires };
}
