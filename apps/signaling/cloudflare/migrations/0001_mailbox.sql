-- A session that has a mailbox. `epoch` names its log: the other tables know the log, not the session, so that what is
-- left of one that ended is never taken for part of one that was made anew.
CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  -- Raw Ed25519 public keys, base64url. `reader_at` is the `iat` of the token that told the reader's.
  writer_key TEXT NOT NULL,
  reader_key TEXT,
  reader_at INTEGER NOT NULL DEFAULT 0,
  epoch TEXT NOT NULL,
  -- Counted up by every commit. A commit that was decided on an older revision writes NULL here, and so fails whole.
  revision INTEGER NOT NULL,
  head INTEGER NOT NULL,
  -- Rows of the log are kept for seqs greater than this, and bodies for seqs greater than that.
  hashes_after INTEGER NOT NULL,
  bodies_after INTEGER NOT NULL,
  -- The current snapshot.
  snapshot TEXT,
  covers INTEGER,
  -- Size of all bodies and snapshots that are kept.
  bytes INTEGER NOT NULL,
  -- Envelopes that were appended in one minute since 1970.
  minute INTEGER NOT NULL,
  minute_count INTEGER NOT NULL,
  -- What is left of what was paid in advance from that day's budgets. Days are counted since 1970.
  prepaid_day INTEGER NOT NULL,
  prepaid_bytes INTEGER NOT NULL,
  prepaid_rows INTEGER NOT NULL,
  visited_day INTEGER NOT NULL,
  -- The day from which the daily job has something to do for this session.
  due_day INTEGER,
  tombstone BLOB
) WITHOUT ROWID;

CREATE INDEX sessions_visited ON sessions (visited_day) WHERE tombstone IS NULL;
CREATE INDEX sessions_due ON sessions (due_day) WHERE due_day IS NOT NULL;

-- Envelopes by seq. `parts` is the number of chunks that hold the body; 0 when it is in `body`, or gone. `at` is when it
-- came, in milliseconds, or when its body went.
CREATE TABLE log (
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  hash TEXT NOT NULL,
  size INTEGER NOT NULL,
  at INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  body BLOB,
  PRIMARY KEY (epoch, seq)
) WITHOUT ROWID;

CREATE UNIQUE INDEX log_ids ON log (epoch, id);

CREATE TABLE snapshots (
  epoch TEXT NOT NULL,
  covers INTEGER NOT NULL,
  id TEXT NOT NULL,
  hash TEXT NOT NULL,
  size INTEGER NOT NULL,
  at INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  body BLOB,
  PRIMARY KEY (epoch, covers)
) WITHOUT ROWID;

-- Bodies that are too large for one value, or for one batch. They are written before the commit that makes them part of
-- a log; `at` is when, in milliseconds.
CREATE TABLE chunks (
  epoch TEXT NOT NULL,
  hash TEXT NOT NULL,
  part INTEGER NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (epoch, hash, part)
) WITHOUT ROWID;

-- Logs whose session is gone or deleted, and which the daily job has still to remove.
CREATE TABLE remains (epoch TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;

-- What was paid of a day's budgets, and the salt under which prefixes are kept that day.
CREATE TABLE budgets (
  day INTEGER NOT NULL PRIMARY KEY,
  salt BLOB NOT NULL,
  sessions INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  rows INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE budget_prefixes (
  day INTEGER NOT NULL,
  prefix TEXT NOT NULL,
  sessions INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  PRIMARY KEY (day, prefix)
) WITHOUT ROWID;
