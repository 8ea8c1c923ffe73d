-- Whoever was let in from the waiting list. `address` is the keyed hash that their row in `waiting` had, so that whoever asks
-- again from there finds back to their own page; the address itself is not kept. `asked`: when they last did.
CREATE TABLE guest (
    owner TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    asked BIGINT NOT NULL
) WITHOUT ROWID;
