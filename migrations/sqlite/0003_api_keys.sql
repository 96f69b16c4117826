-- The keys that trusted programs call with. Times are microseconds since the Unix epoch.

CREATE TABLE api_keys (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    -- SHA-256 of the secret: all that is kept of it.
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    name         TEXT    NOT NULL,
    -- Names joined by commas.
    scopes       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
