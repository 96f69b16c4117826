-- Sessions and the credentials that refresh them.

CREATE TABLE sessions (
    id                uuid        PRIMARY KEY,
    account_id        uuid        NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id         text        NOT NULL,
    created_at        timestamptz NOT NULL,
    last_refreshed_at timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    ended_at          timestamptz,
    end_reason        text,
    -- The credential that was consumed last and what its successor is derived from. Only that one can be retried, so
    -- it stands here once instead of with every credential: consuming the next one forgets it by writing over it.
    last_consumed     bytea CHECK (octet_length(last_consumed) = 32),
    successor_nonce   bytea CHECK (octet_length(successor_nonce) = 32),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK ((last_consumed IS NULL) = (successor_nonce IS NULL))
    -- No index holds what a refresh changes (last_refreshed_at, last_consumed, successor_nonce): where a page has room
    -- left, PostgreSQL writes the new version of the row into it and leaves every index alone (HOT).
) WITH (fillfactor = 85);

-- The sessions of one user that have not ended: each login looks at them, however many have ended since the last purge.
CREATE INDEX sessions_not_ended ON sessions (account_id) WHERE ended_at IS NULL;
-- All sessions of one user, for when the user is deleted.
CREATE INDEX sessions_account_id ON sessions (account_id);
-- The sessions to be purged: ended, past their absolute limit, or idle for too long, which only old ones can be.
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_created_at ON sessions (created_at);

CREATE TABLE refresh_credentials (
    -- SHA-256 of the secret: all that is kept of it.
    digest      bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id  uuid  NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- Null: it is its session's current one.
    consumed_at timestamptz
    -- Consuming a credential changes no indexed column either.
) WITH (fillfactor = 85);

CREATE INDEX refresh_credentials_session_id ON refresh_credentials (session_id);
