-- Changes that still have to reach the server where somebody's records live. `id` is the change's own name, which goes out
-- with it, so that it is made once however often it is sent. `thing` is a keyed hash of what is changed: later changes of one
-- thing wait for earlier ones. Whoever sends a row holds it until `lease`; `holder` is random. `sealed` is the change under
-- the person's key; it is emptied once the server has it.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    thing TEXT NOT NULL,
    place BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created BIGINT NOT NULL,
    due BIGINT NOT NULL,
    lease BIGINT NOT NULL,
    holder TEXT NOT NULL,
    settled BIGINT,
    reason TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX outbox_by_state ON outbox (state, due);
CREATE INDEX outbox_by_owner ON outbox (owner, thing, place);

-- What somebody is told the next time they speak, each once. `hinted`: when they heard that there is something.
CREATE TABLE notice (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    topic TEXT NOT NULL,
    created BIGINT NOT NULL,
    hinted BIGINT,
    told BIGINT,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX notice_by_owner ON notice (owner, told);
