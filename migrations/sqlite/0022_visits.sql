-- A visit that is moved or called off here; `revision` counts its changes, so that two of them do not cross.
ALTER TABLE visit ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

-- How a free time's visit takes place, in which zone, and what the schedule it came from knows it by. Nobody's data.
ALTER TABLE slot ADD COLUMN mode TEXT NOT NULL DEFAULT 'in person';
ALTER TABLE slot ADD COLUMN zone TEXT;
ALTER TABLE slot ADD COLUMN version TEXT;
ALTER TABLE slot ADD COLUMN actors TEXT NOT NULL DEFAULT '';

-- A free time that somebody was just asked about. `holder` is a keyed hash of person and slot.
CREATE TABLE slot_hold (
    slot TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
) WITHOUT ROWID;
