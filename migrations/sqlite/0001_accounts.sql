-- Users, under the name their table has always had outside: accounts.
--
-- The rules of every text column are the domain's; what stands here only keeps a slip of a program or of an operator
-- from storing what could never be read back. Times are microseconds since the Unix epoch.

CREATE TABLE accounts (
    -- Ends where JSON parsers stop to read integers exactly (RFC 8259, section 6). AUTOINCREMENT: never given twice.
    number           INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number BETWEEN 1 AND 9007199254740991),
    id               BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    -- Identifiers as they were typed; what they are compared by is in account_identifiers.
    username         TEXT,
    email            TEXT,
    email_verified   INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
    display_name     TEXT,
    phone_number     TEXT,
    status           TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    -- Names joined by commas.
    roles            TEXT    NOT NULL,
    password_hash    TEXT    NOT NULL,
    -- Counts changes of the password.
    password_version INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    CHECK (username IS NOT NULL OR email IS NOT NULL),
    CHECK (email IS NOT NULL OR NOT email_verified)
) STRICT;

-- The one uniqueness space of usernames and e-mail addresses.
CREATE TABLE account_identifiers (
    -- Bytes are compared, not letters: SQLite's default.
    key        TEXT PRIMARY KEY,
    -- Checked at commit, so that a registration can find its keys taken before it stores the user.
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE INDEX account_identifiers_account_id ON account_identifiers (account_id);
