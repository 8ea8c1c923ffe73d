-- Tokens of other organizations that are no longer used, until the organization confirmed that it takes them no longer, or for two
-- weeks (`gone`). `owner` is a key of the row's own, so whose they were is not told here. `due`: when it is tried again; whoever
-- tries moves it on.
CREATE TABLE revocation (
    id TEXT NOT NULL PRIMARY KEY,
    due BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX revocation_by_due ON revocation (due);

-- When the mail server refused a letter to whoever waits for good.
ALTER TABLE waiting ADD COLUMN refused BIGINT;
