-- Calls that are the same need of the same room are one call. `thing` is a keyed hash of both, empty where a call stands alone
-- (an emergency always does); asking again counts in `repeats`, `asked_last` is when.
ALTER TABLE request ADD COLUMN thing TEXT NOT NULL DEFAULT '';
ALTER TABLE request ADD COLUMN repeats BIGINT NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN asked_last BIGINT;
CREATE UNIQUE INDEX request_once ON request (thing)
    WHERE thing <> '' AND closed IS NULL AND stay_over IS NULL AND patient_says_cancel IS NULL;

-- What was said when somebody asked again, with the time of each.
CREATE TABLE call_said (
    id TEXT NOT NULL PRIMARY KEY,
    request TEXT NOT NULL,
    at BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX call_said_by_request ON call_said (request, at);
CREATE INDEX call_said_by_owner ON call_said (owner);

-- How far an unanswered call has climbed. `armed` is when what it waits for was asked, `climb` how many steps were told since, `told`
-- when the last was, `due` when the next is. `fresh` says that it was asked for again, so that `due` has to be reckoned anew.
CREATE TABLE ladder (
    request TEXT NOT NULL PRIMARY KEY,
    armed BIGINT NOT NULL,
    climb BIGINT NOT NULL,
    told BIGINT NOT NULL,
    due BIGINT NOT NULL,
    fresh BIGINT NOT NULL
);

-- Each step that was told, once. Whom is sealed under the house key.
CREATE TABLE call_told (
    request TEXT NOT NULL,
    armed BIGINT NOT NULL,
    climb BIGINT NOT NULL,
    step TEXT NOT NULL,
    due BIGINT NOT NULL,
    at BIGINT NOT NULL,
    people BIGINT NOT NULL,
    whom BYTEA NOT NULL,
    PRIMARY KEY (request, armed, climb)
);

-- The latest time that whoever climbs has seen: a clock that was put back is noticed by it.
CREATE TABLE nurse_clock (id BIGINT NOT NULL PRIMARY KEY, last BIGINT NOT NULL);
INSERT INTO nurse_clock (id, last) VALUES (1, 0);

-- What happened to calls, in order, for boards that watch and for adapters. Nobody and no word is in it.
CREATE TABLE call_event (
    seq BIGSERIAL PRIMARY KEY,
    request TEXT NOT NULL,
    room TEXT NOT NULL,
    what TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- Which adapter has which event; `due` is when it is tried next, and whoever tries has it until then.
CREATE TABLE call_out (
    adapter TEXT NOT NULL,
    event BIGINT NOT NULL,
    due BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    done BIGINT,
    PRIMARY KEY (adapter, event)
);

-- What staff had said in the room: under the key of whoever made the call, who said it under the house key.
CREATE TABLE call_reply (
    id TEXT NOT NULL PRIMARY KEY,
    request TEXT NOT NULL,
    at BIGINT NOT NULL,
    spoken BIGINT,
    said_by BYTEA NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX call_reply_by_request ON call_reply (request, at);
CREATE INDEX call_reply_by_owner ON call_reply (owner);

-- Who is on duty: name sealed under the house key.
CREATE TABLE duty (
    id TEXT NOT NULL PRIMARY KEY,
    unit TEXT NOT NULL,
    role TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX duty_by_unit ON duty (unit, role, until);
