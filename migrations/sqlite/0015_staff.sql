-- Who works here. `id` is a keyed hash of what the provider calls them; their name is sealed.
CREATE TABLE staff (id TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;

-- Sessions of staff. `id` is a keyed hash of the token; who it is, roles and rooms are sealed.
CREATE TABLE staff_session (
    id TEXT NOT NULL PRIMARY KEY,
    started BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

-- Broken glass. `pair` is a keyed hash of who broke it and to whose record; both and the reason are sealed.
CREATE TABLE glass (
    id TEXT NOT NULL PRIMARY KEY,
    pair TEXT NOT NULL,
    opened BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX glass_by_pair ON glass (pair);

-- What is to be looked into. `about` is a keyed hash of what it is about, `upto` the last audit entry it knows of.
CREATE TABLE review (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    upto BIGINT NOT NULL,
    raised BIGINT NOT NULL,
    closed BIGINT,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL,
    closing BLOB
);
CREATE UNIQUE INDEX review_once ON review (about, upto);
CREATE TRIGGER open_reviews_are_never_deleted BEFORE DELETE ON review WHEN OLD.closed IS NULL
BEGIN SELECT RAISE(ABORT, 'only a privacy officer ends a review'); END;
