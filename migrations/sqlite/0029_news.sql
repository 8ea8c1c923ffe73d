-- Of whose records a server says when something changes there. `id` stands in the address that the server calls; what it has to
-- show there follows from it and the store's root secret. `told`: when it last said so. `due`: when is looked next; at once
-- when it said so. `sealed`: which patient of which server, which part, the Subscription there, and what was seen last.
CREATE TABLE watch (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    due BIGINT NOT NULL,
    told BIGINT,
    attempts BIGINT NOT NULL,
    version BIGINT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX watch_by_due ON watch (due);
CREATE INDEX watch_by_owner ON watch (owner);

-- When a device made a sound for it, once.
ALTER TABLE notice ADD COLUMN chimed BIGINT;

-- Where somebody wants a letter that there is news, sealed under their key with who they are. `code`: a keyed hash of the one that shows
-- that the address is theirs. `written`: when the last letter was made.
CREATE TABLE mailbox (
    owner TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    asked BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    confirmed BIGINT,
    written BIGINT,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

-- What the webhook is still to be told; about nobody. `id` goes out with it, so that it counts once however often it is sent.
CREATE TABLE alert (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    many BIGINT NOT NULL,
    raised BIGINT NOT NULL,
    due BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    given_up BIGINT
) WITHOUT ROWID;
CREATE INDEX alert_by_due ON alert (due);
