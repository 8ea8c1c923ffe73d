-- What people who agreed to it said in a period, until it is released: one row for each, `id` a keyed hash of person and
-- period, the items sealed under the person's key. `period` is its first day, counted from 1970.
CREATE TABLE pattern (id TEXT NOT NULL PRIMARY KEY, period BIGINT NOT NULL, owner TEXT NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX pattern_by_period ON pattern (period);
CREATE INDEX pattern_by_owner ON pattern (owner);
-- What was released, and what it cost: the budget's ledger. `epsilon` in thousandths.
CREATE TABLE pattern_release (
    period BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    epsilon BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE TRIGGER what_was_spent_is_never_changed BEFORE UPDATE ON pattern_release
BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END;
CREATE TRIGGER what_was_spent_is_never_deleted BEFORE DELETE ON pattern_release
BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END;
