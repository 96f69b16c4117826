-- API keys: the secrets with which programs call the directory dialect.

CREATE TABLE api_keys (
    id           uuid        PRIMARY KEY,
    -- SHA-256 of the secret. The secret itself is not stored.
    digest       bytea       NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    name         text        NOT NULL,
    -- Comma-separated names.
    scopes       text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
