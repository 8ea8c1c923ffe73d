-- Legal holds. `subject` is the name of the person's key, `occupant` their keyed hash in `room`; who, why and by whom
-- are sealed under the house's key, which outlives every person's.
CREATE TABLE hold (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    occupant TEXT NOT NULL,
    placed BIGINT NOT NULL,
    lifted BIGINT,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX hold_by_subject ON hold (subject);
CREATE TRIGGER holds_are_never_deleted BEFORE DELETE ON hold
BEGIN SELECT RAISE(ABORT, 'holds are lifted, never deleted'); END;
-- Stays that ended while somebody's data was held: what was said then is kept where no turn finds it.
CREATE TABLE hold_stay (owner TEXT NOT NULL PRIMARY KEY, subject TEXT NOT NULL) WITHOUT ROWID;
-- Whose rows must stay: the keys of held people, of the stays they are in, and of those kept for them.
CREATE VIEW held (owner) AS
    SELECT subject FROM hold WHERE lifted IS NULL
    UNION SELECT room.owner FROM room JOIN hold ON hold.occupant = room.occupant WHERE hold.lifted IS NULL
    UNION SELECT hold_stay.owner FROM hold_stay JOIN hold ON hold.subject = hold_stay.subject WHERE hold.lifted IS NULL;
