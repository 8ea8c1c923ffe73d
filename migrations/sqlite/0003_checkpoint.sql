-- Signed heads of the audit chain: a row's hash, the key that signed it (Ed25519, in hexadecimal digits), the signature.
CREATE TABLE checkpoint (
    seq INTEGER NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL,
    signer TEXT NOT NULL,
    signature BLOB NOT NULL
);
CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'signed heads are never changed'); END;
CREATE TRIGGER checkpoint_is_never_deleted BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'signed heads are never deleted'); END;
