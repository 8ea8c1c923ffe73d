-- How many versions of what somebody agreed to there were, so that nobody changes what they have not seen.
ALTER TABLE person ADD COLUMN agreed BIGINT NOT NULL DEFAULT 0;
UPDATE person SET agreed = (SELECT COUNT(*) FROM consent WHERE consent.owner = person.owner);

-- Who looked at somebody's record is theirs to ask at any time, however long the trail.
CREATE INDEX audit_by_owner ON audit (owner, at);

-- Somebody asked aloud for a copy of their data; it waits on their page.
CREATE TABLE copy_asked (id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, owner TEXT NOT NULL);

-- What came of checking the promises: counts, and nothing about anybody.
CREATE TABLE evidence (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    checks BIGINT NOT NULL,
    broken BIGINT NOT NULL,
    unchecked BIGINT NOT NULL
);
