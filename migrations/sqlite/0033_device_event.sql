-- What devices are to be told, each until it has it or its time is over. `id` is a keyed hash of the device and the event's own
-- name, so that the same event is queued once. What it says is sealed; it is emptied once the device has it.
CREATE TABLE device_event (
    id TEXT NOT NULL PRIMARY KEY,
    credential TEXT NOT NULL,
    seq BIGINT NOT NULL,
    made BIGINT NOT NULL,
    until BIGINT NOT NULL,
    acked BIGINT,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX device_event_by_device ON device_event (credential, seq);
CREATE INDEX device_event_by_owner ON device_event (owner);
CREATE INDEX device_event_by_end ON device_event (until);

-- The highest number that was given to an event of a device.
CREATE TABLE device_queue (credential TEXT NOT NULL PRIMARY KEY, given BIGINT NOT NULL) WITHOUT ROWID;
