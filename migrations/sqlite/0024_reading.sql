-- What people measured themselves and had noted. In clear: that there is one, and when it was noted; what was measured, when
-- and what came of it is sealed under the person's key.
CREATE TABLE reading (
    id TEXT NOT NULL PRIMARY KEY,
    noted BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX reading_by_owner ON reading (owner);
