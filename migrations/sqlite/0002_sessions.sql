-- Sessions and their refresh credentials. Times are microseconds since the Unix epoch.

CREATE TABLE sessions (
    id                BLOB    PRIMARY KEY CHECK (length(id) = 16),
    account_id        BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id         TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    last_refreshed_at INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    ended_at          INTEGER,
    end_reason        TEXT,
    -- The last consumed credential and the nonce from which its successor is derived. Only this credential can be retried, so
    -- the nonce is stored once per session. The next rotation overwrites both.
    last_consumed     BLOB CHECK (length(last_consumed) = 32),
    successor_nonce   BLOB CHECK (length(successor_nonce) = 32),
    -- The day of the last refresh in days since the Unix epoch, for the purge of idle sessions. The triggers below set it. A
    -- generated column would not do: SQLite rewrites its index entry on every statement that sets the source column.
    refreshed_on      INTEGER NOT NULL DEFAULT 0,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK ((last_consumed IS NULL) = (successor_nonce IS NULL))
    -- No index contains last_refreshed_at, last_consumed or successor_nonce, which every refresh changes. A refresh writes one
    -- page of this table and no page of an index.
) STRICT, WITHOUT ROWID;

-- The sessions of a user that have not ended. Every log-in counts them, so ended sessions must not slow it down.
CREATE INDEX sessions_not_ended ON sessions (account_id) WHERE ended_at IS NULL;
-- All sessions of a user, for the cascade when the user is deleted.
CREATE INDEX sessions_account_id ON sessions (account_id);
-- The sessions to purge: ended, expired, or idle.
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_refreshed_on ON sessions (refreshed_on);

CREATE TRIGGER sessions_inserted AFTER INSERT ON sessions FOR EACH ROW
BEGIN
    UPDATE sessions SET refreshed_on = NEW.last_refreshed_at / 86400000000 WHERE id = NEW.id;
END;

-- Runs at most once a day per session.
CREATE TRIGGER sessions_refreshed AFTER UPDATE OF last_refreshed_at ON sessions FOR EACH ROW
    WHEN OLD.refreshed_on <> NEW.last_refreshed_at / 86400000000
BEGIN
    UPDATE sessions SET refreshed_on = NEW.last_refreshed_at / 86400000000 WHERE id = NEW.id;
END;

CREATE TABLE refresh_credentials (
    -- SHA-256 of the secret. The secret itself is not stored.
    digest      BLOB PRIMARY KEY CHECK (length(digest) = 32),
    session_id  BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- Null for the current credential of the session.
    consumed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_credentials_session_id ON refresh_credentials (session_id);
