-- How far an import of many people is. `id` is a keyed hash of its files' names, sizes and times; `done`: how many people were tried;
-- `sealed`: what was counted so far, under the house's key. In one commit with each lot of people;
-- gone when the import is done.
CREATE TABLE import_state (
    id TEXT NOT NULL PRIMARY KEY,
    done BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
