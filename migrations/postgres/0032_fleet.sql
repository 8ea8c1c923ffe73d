-- Places of the fleet, from the organization down to a bed. Nobody is in it. `room` is the place as its devices know it,
-- `location` what the admission system calls the bed. `version` is when its settings, or what they hang on, were changed last.
CREATE TABLE node (
    id TEXT NOT NULL PRIMARY KEY,
    parent TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    room TEXT,
    location TEXT,
    settings TEXT NOT NULL,
    version BIGINT NOT NULL,
    retired BIGINT
);
CREATE UNIQUE INDEX node_by_name ON node (parent, name) WHERE retired IS NULL;
CREATE UNIQUE INDEX node_by_room ON node (room) WHERE retired IS NULL AND room IS NOT NULL;
CREATE UNIQUE INDEX node_by_location ON node (location) WHERE retired IS NULL AND location IS NOT NULL;

-- Devices. `code` is a keyed hash of the one-time code, `tries` how often a wrong one was given for it. `credential` is what the
-- device is let in as; `moves` counts them, so that what was said in one place is never gone on with in another.
CREATE TABLE device (
    id TEXT NOT NULL PRIMARY KEY,
    serial TEXT NOT NULL,
    node TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    made BIGINT NOT NULL,
    code TEXT,
    code_until BIGINT,
    tries BIGINT NOT NULL,
    credential TEXT,
    moves BIGINT NOT NULL,
    version BIGINT NOT NULL,
    acked BIGINT NOT NULL,
    firmware TEXT NOT NULL,
    battery BIGINT,
    seen BIGINT
);
CREATE UNIQUE INDEX device_by_serial ON device (serial) WHERE state <> 'retired';
CREATE INDEX device_by_node ON device (node);
CREATE INDEX device_by_credential ON device (credential);

-- Certificates of devices that were issued and neither revoked nor replaced, by the SHA-256 of each.
CREATE TABLE device_certificate (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    device TEXT NOT NULL,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX device_certificate_by_device ON device_certificate (device);

-- The fleet's own authority: its certificate, which is public, and its private key, sealed.
CREATE TABLE fleet_authority (
    id TEXT NOT NULL PRIMARY KEY,
    made BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    certificate BYTEA NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);

-- What is announced to the devices below a place; the words and who wrote them are sealed.
CREATE TABLE announcement (
    id TEXT NOT NULL PRIMARY KEY,
    node TEXT NOT NULL,
    priority TEXT NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    made BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX announcement_by_end ON announcement (ends);

-- To which room an announcement was handed.
CREATE TABLE announced (
    announcement TEXT NOT NULL,
    room TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (announcement, room)
);
