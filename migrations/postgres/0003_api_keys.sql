-- The keys that trusted programs call with.

CREATE TABLE api_keys (
    id           uuid        PRIMARY KEY,
    -- SHA-256 of the secret: all that is kept of it.
    digest       bytea       NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    name         text        NOT NULL,
    -- Names joined by commas.
    scopes       text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
