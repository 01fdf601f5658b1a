-- What the whole relay keeps, in one row. `bytes` is never less than what is stored: payments count it up, and the hourly
-- job counts it anew. `paid` is what was paid since it last did, which may still be on its way.
CREATE TABLE kept (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  bytes INTEGER NOT NULL,
  paid INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO kept (one, bytes, paid)
SELECT 1, coalesce(sum(bytes + prepaid_bytes), 0), 0 FROM sessions;
