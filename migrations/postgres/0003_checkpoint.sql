-- Signed heads of the audit chain: a row's hash, the key that signed it (Ed25519, in hexadecimal digits), the signature.
CREATE TABLE checkpoint (
    seq BIGINT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    signer TEXT NOT NULL,
    signature BYTEA NOT NULL
);
CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE OR DELETE ON checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER checkpoint_is_never_truncated BEFORE TRUNCATE ON checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
REVOKE UPDATE, DELETE, TRUNCATE ON checkpoint FROM PUBLIC;
