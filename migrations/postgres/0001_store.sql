-- Everything that concerns a person is sealed: `sealed` holds nonce, ciphertext and tag, `owner` names the key in
-- the key store (a keyed hash, so that it names nobody). Ids are random. Times are microseconds since 1970 UTC.

-- What this database is: the fingerprint of its master key.
CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);

-- The chain. Each hash covers the whole row and the hash before it.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    channel TEXT NOT NULL,
    closes BIGINT,
    outcome TEXT,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    hash BYTEA NOT NULL
);
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'audit rows are never changed or deleted'; END $$;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_is_never_truncated BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM PUBLIC;

CREATE TABLE person (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    imported BIGINT NOT NULL,
    consent BYTEA NOT NULL,
    pin BYTEA
);
-- Keyed hashes of medical record numbers and the like.
CREATE TABLE identifier (lookup TEXT NOT NULL PRIMARY KEY, person TEXT NOT NULL REFERENCES person (id));
CREATE TABLE chart (
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (owner, kind)
);

-- Who lies where. `occupant` is a keyed hash, sealed is the person's id under the stay's key.
CREATE TABLE room (
    room TEXT NOT NULL PRIMARY KEY,
    stay TEXT NOT NULL,
    occupant TEXT NOT NULL UNIQUE,
    since BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);

CREATE TABLE session (
    id TEXT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX session_by_owner ON session (owner);
-- `id` is a keyed hash of credential and turn, `body` of what was said.
CREATE TABLE turn (
    id TEXT NOT NULL PRIMARY KEY,
    session TEXT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);

-- Free times are nobody's; a taken one does not say whose it became.
CREATE TABLE slot (
    id TEXT NOT NULL PRIMARY KEY,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    provider TEXT NOT NULL,
    specialty TEXT,
    place TEXT,
    free BIGINT NOT NULL
);
CREATE INDEX slot_by_start ON slot (starts) WHERE free = 1;
CREATE TABLE visit (id TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, sealed BYTEA NOT NULL);
CREATE INDEX visit_by_owner ON visit (owner);

-- `prescription` is a keyed hash of person and prescription.
CREATE TABLE renewal (
    id TEXT NOT NULL PRIMARY KEY,
    prescription TEXT NOT NULL,
    state TEXT NOT NULL,
    requested BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE UNIQUE INDEX renewal_open_once ON renewal (prescription)
    WHERE state IN ('requested', 'approved', 'ready', 'shipped');
CREATE INDEX renewal_by_owner ON renewal (owner);

-- The nurses' board. Only staff close a row.
CREATE TABLE request (
    id TEXT NOT NULL PRIMARY KEY,
    room TEXT NOT NULL,
    emergency BIGINT NOT NULL,
    requested BIGINT NOT NULL,
    patient_says_cancel BIGINT,
    acknowledged BIGINT,
    acknowledged_by BYTEA,
    closed BIGINT,
    closed_by BYTEA,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX request_open ON request (room) WHERE closed IS NULL;
CREATE FUNCTION request_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'only staff end a request'; END $$;
CREATE TRIGGER open_requests_are_never_deleted BEFORE DELETE ON request
    FOR EACH ROW WHEN (OLD.closed IS NULL) EXECUTE FUNCTION request_refuses();

-- `id` is a keyed hash of the token.
CREATE TABLE credential (
    id TEXT NOT NULL PRIMARY KEY,
    surface TEXT NOT NULL,
    room TEXT,
    one_time BIGINT NOT NULL,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
