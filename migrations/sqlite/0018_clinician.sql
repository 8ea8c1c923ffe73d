-- A result that a clinician tells first is a row of the board of its own kind, for the clinician.
ALTER TABLE request ADD COLUMN kind TEXT NOT NULL DEFAULT 'call';

-- Each such result once. `id` is a keyed hash of person and result, `request` its row on the board: once staff have closed
-- that, the result may be told.
CREATE TABLE for_clinician (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    request TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX for_clinician_by_owner ON for_clinician (owner);
