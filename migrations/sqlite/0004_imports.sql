-- Who was brought by an import, and by which: so that importing the same again changes nothing.

CREATE TABLE account_imports (
    -- SHA-256 of the identifiers and the hash that were brought, which may both have changed since.
    digest     BLOB PRIMARY KEY CHECK (length(digest) = 32),
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX account_imports_account_id ON account_imports (account_id);
