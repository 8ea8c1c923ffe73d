-- Whom a person may have called from their room. Name, relation and number are sealed under the person's key.
CREATE TABLE contact (
    id TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX contact_by_owner ON contact (owner);
