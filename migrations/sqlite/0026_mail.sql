-- Letters that wait to go out by e-mail; a row goes with its letter. `id` is a keyed hash of kind and address, so that of each
-- kind one waits for somebody at a time. `gone`: from when on it is of no use. `sealed`: address and letter.
CREATE TABLE mail (
    id TEXT NOT NULL PRIMARY KEY,
    due BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX mail_by_due ON mail (due);

-- Who wants to come in. `id` is a keyed hash of the address, `code` one of the code that shows it is theirs; the address is sealed
-- under the house's key.
CREATE TABLE waiting (
    id TEXT NOT NULL PRIMARY KEY,
    asked BIGINT NOT NULL,
    code TEXT NOT NULL,
    tries BIGINT NOT NULL,
    confirmed BIGINT,
    enabled BIGINT,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

-- What somebody does not want to be told unasked, sealed under their key.
CREATE TABLE quiet (owner TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL);
