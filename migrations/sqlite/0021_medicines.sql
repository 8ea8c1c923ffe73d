-- More states of a request for more of a medicine: the prescriber was asked, it is filled, it was delivered.
DROP INDEX renewal_open_once;
CREATE UNIQUE INDEX renewal_open_once ON renewal (prescription)
    WHERE state IN ('requested', 'prescriber_asked', 'approved', 'filled', 'ready', 'shipped');

-- Pharmacies that came along with charts. Nobody's data, and sealed with the house's key all the same: where there are few
-- people, which pharmacies there are tells of them.
CREATE TABLE pharmacy (id TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;

-- Which one somebody chose.
CREATE TABLE chosen_pharmacy (owner TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;

-- Doses that somebody said they took. `noted` is when they said so; what and when it was is sealed.
CREATE TABLE taken (
    id TEXT NOT NULL PRIMARY KEY,
    noted BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX taken_by_owner ON taken (owner, noted);

-- Reminders. What of, when, and which of its times were rung already is sealed; `version` counts how often that was changed.
CREATE TABLE reminder (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX reminder_by_owner ON reminder (owner);
