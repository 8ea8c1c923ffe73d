-- Places where people are seen without an appointment: what was listed (JSON), in which order, and how many minutes people
-- waited there when somebody last said so. Nobody's data.
CREATE TABLE care_place (
    id TEXT NOT NULL PRIMARY KEY,
    place BIGINT NOT NULL,
    told TEXT NOT NULL,
    wait BIGINT,
    wait_at BIGINT
) WITHOUT ROWID;

-- Where a room or a home is. Sealed with the house's key: a home's place is its address.
CREATE TABLE room_position (room TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;

-- Who waits for an earlier time. `thing` is a keyed hash of person and what is waited for, so that each is waited for once at a
-- time; `notice` is the news that was last made of it. What is waited for is sealed.
CREATE TABLE waitlist (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    thing TEXT NOT NULL,
    created BIGINT NOT NULL,
    ended BIGINT,
    notice TEXT NOT NULL DEFAULT '',
    sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX waitlist_once ON waitlist (thing) WHERE ended IS NULL;
CREATE INDEX waitlist_by_owner ON waitlist (owner, created);
