-- Whom a provider's subject stands for. `id` is a keyed hash of issuer and subject.
CREATE TABLE subject (
    id TEXT NOT NULL PRIMARY KEY,
    bound BIGINT NOT NULL,
    owner TEXT NOT NULL,
    sealed BYTEA NOT NULL
);

-- Sign-ins that came back from the provider: none comes back twice. `id` is a keyed hash.
CREATE TABLE sign_in (id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL);

-- The subject a page session was opened for, so that it ends with the binding.
ALTER TABLE credential ADD COLUMN subject TEXT;
