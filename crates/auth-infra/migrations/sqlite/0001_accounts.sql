-- Users. Their table is called accounts, because that name is part of the documented interface.
--
-- The domain checks every text column. The constraints here only prevent a program or an operator from storing a value that
-- cannot be read back. Times are microseconds since the Unix epoch.

CREATE TABLE accounts (
    -- Up to the largest integer that JSON parsers read exactly (RFC 8259, section 6). AUTOINCREMENT never reuses a number.
    number           INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number BETWEEN 1 AND 9007199254740991),
    id               BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    -- The identifiers as they were typed. account_identifiers contains the normalised keys.
    username         TEXT,
    email            TEXT,
    email_verified   INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
    display_name     TEXT,
    phone_number     TEXT,
    status           TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    -- Comma-separated names.
    roles            TEXT    NOT NULL,
    -- Null until a password is set: the user cannot log in with one.
    password_hash    TEXT,
    -- Each password change increments it.
    password_version INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    -- The id in the service that the user was imported from.
    external_id      TEXT,
    -- Data of the embedding program, which is never interpreted.
    metadata         TEXT,
    CHECK (username IS NOT NULL OR email IS NOT NULL),
    CHECK (email IS NOT NULL OR NOT email_verified)
) STRICT;

-- Most users have no external id, so they are not in the index.
CREATE UNIQUE INDEX accounts_external_id ON accounts (external_id) WHERE external_id IS NOT NULL;

-- Usernames and e-mail addresses share this one space of unique keys.
CREATE TABLE account_identifiers (
    -- SQLite compares bytes by default.
    key        TEXT PRIMARY KEY,
    -- Deferred to the commit: a registration takes its keys before it stores the user.
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE INDEX account_identifiers_account_id ON account_identifiers (account_id);

-- Imported users. A second import of the same record changes nothing.
CREATE TABLE account_imports (
    -- SHA-256 of the imported identifiers and hash. Both may have changed since.
    digest     BLOB PRIMARY KEY CHECK (length(digest) = 32),
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX account_imports_account_id ON account_imports (account_id);
