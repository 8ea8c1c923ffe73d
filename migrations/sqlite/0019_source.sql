-- Whose records are at another server: one row a person. `id` is a keyed hash of server and patient there, so that one
-- patient stands for one person; sealed is which server, which patient, and when each part was read.
CREATE TABLE source (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL UNIQUE,
    read BIGINT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

-- Free times that are a server's: which server's, and when it was last seen to be free.
ALTER TABLE slot ADD COLUMN server TEXT;
ALTER TABLE slot ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
