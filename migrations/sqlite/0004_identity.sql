-- Wrong PINs in a row. `id` is a keyed hash of a person or of a device.
CREATE TABLE attempt (id TEXT NOT NULL PRIMARY KEY, failed BIGINT NOT NULL, last BIGINT NOT NULL) WITHOUT ROWID;

-- Every version of what somebody agreed to.
CREATE TABLE consent (id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, owner TEXT NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX consent_by_owner ON consent (owner);
