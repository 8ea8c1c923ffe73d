-- What the admission system sent. `body` is a keyed hash of the whole message, so that one that comes again is known, `name` one
-- of sender and control id; `waits` is the bed it names that nobody has mapped yet. The message itself is sealed.
CREATE TABLE adt_message (
    id TEXT NOT NULL PRIMARY KEY,
    received BIGINT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    waits TEXT NOT NULL,
    tries BIGINT NOT NULL,
    settled BIGINT,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX adt_message_by_state ON adt_message (state, received, id);

-- Which bed of the admission system is which room here. Nobody is in it.
CREATE TABLE adt_bed (location TEXT NOT NULL PRIMARY KEY, room TEXT NOT NULL);

-- What was told last about a patient (a keyed hash of one of their identifiers) or a bed: what, and when it happened.
CREATE TABLE adt_last (
    thing TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    sure BIGINT NOT NULL,
    kind TEXT NOT NULL,
    visit TEXT NOT NULL
);

-- Stays whose rows are gone and whose keys are to be destroyed; a row goes with the proof that it was.
CREATE TABLE stay_over (owner TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL);

-- When the stay ended in whose course an open request was made.
ALTER TABLE request ADD COLUMN stay_over BIGINT;
