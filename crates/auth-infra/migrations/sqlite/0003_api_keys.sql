-- API keys: the secrets with which programs call the directory dialect. Times are microseconds since the Unix epoch.

CREATE TABLE api_keys (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
    -- SHA-256 of the secret. The secret itself is not stored.
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    name         TEXT    NOT NULL,
    -- Comma-separated names.
    scopes       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
