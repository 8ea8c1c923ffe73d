-- Other organizations whose records a person connected. `once` is a keyed hash of person and organization; which one it is,
-- the tokens, what was granted and how far the fetching is are sealed under the person's key. `busy` is until when somebody
-- works on it, `version` which of them, `due` when it is to be fetched again. `state`: importing, ready, lapsed, ended.
CREATE TABLE connection (
    id TEXT NOT NULL PRIMARY KEY,
    once TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    due BIGINT NOT NULL,
    busy BIGINT NOT NULL,
    version BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX connection_by_owner ON connection (owner);

-- What came of a connection: parts of a chart, and, while it is fetched, what came so far (`page 0001` and so on).
CREATE TABLE connected (
    connection TEXT NOT NULL,
    part TEXT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (connection, part)
);
CREATE INDEX connected_by_owner ON connected (owner, part);

-- Connections that are on their way through an organization's own sign-in. `id` is a keyed hash of the state, `browser`
-- one of the cookie that it began with.
CREATE TABLE connecting (
    id TEXT NOT NULL PRIMARY KEY,
    browser TEXT NOT NULL,
    credential TEXT NOT NULL,
    expires BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);

-- Codes that were said aloud, and the pages that one was typed into. `id` is a keyed hash of the code or of the page's
-- token, `person` one of whose they are.
CREATE TABLE pairing (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    person TEXT NOT NULL,
    expires BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX pairing_by_person ON pairing (person);
