-- Who speaks through a device at home besides the person it was made for. `id` is a keyed hash of device and person,
-- sealed is the person's id under their own key.
CREATE TABLE member (
    id TEXT NOT NULL PRIMARY KEY,
    credential TEXT NOT NULL,
    since BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX member_by_credential ON member (credential);
CREATE INDEX member_by_owner ON member (owner);

-- How much may be said aloud in a place, as staff set it, and until when somebody said that a visitor is there (0 where
-- nobody did). No person is in it.
CREATE TABLE place (room TEXT NOT NULL PRIMARY KEY, settings BYTEA NOT NULL, visitor BIGINT NOT NULL);

-- One live code a person. `person` and `code` are keyed hashes, sealed is the person's id under their own key.
CREATE TABLE code (
    person TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    expires BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
