-- Sessions with their refresh credentials. Times are microseconds since the Unix epoch.

CREATE TABLE sessions (
    id                BLOB    PRIMARY KEY CHECK (length(id) = 16),
    account_id        BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id         TEXT    NOT NULL,
    -- SHA-256 of the part of a refresh token that all tokens of the session share. It finds the session.
    token_family      BLOB    NOT NULL UNIQUE CHECK (length(token_family) = 32),
    created_at        INTEGER NOT NULL,
    last_refreshed_at INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    ended_at          INTEGER,
    end_reason        TEXT,
    -- SHA-256 of the current refresh credential. The credential itself is not stored.
    credential        BLOB    NOT NULL CHECK (length(credential) = 32),
    -- The credentials that were consumed within the last retry window, oldest first, 56 bytes each: the digest, the time, and
    -- the nonce from which the successor is derived.
    consumed          BLOB    NOT NULL DEFAULT x'' CHECK (length(consumed) % 56 = 0),
    -- The day of the last refresh in days since the Unix epoch, for the purge of idle sessions, and whether consumed
    -- credentials are stored, for the purge that erases them. The triggers below set both. Generated columns would not do:
    -- SQLite rewrites their index entries on every statement that sets the source column.
    refreshed_on      INTEGER NOT NULL DEFAULT 0,
    has_consumed      INTEGER NOT NULL DEFAULT 0,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
    -- No index contains last_refreshed_at, credential or consumed, which every refresh changes. A refresh writes one page of
    -- this table and no page of an index.
) STRICT, WITHOUT ROWID;

-- The sessions of a user that have not ended. Every log-in counts them, so ended sessions must not slow it down.
CREATE INDEX sessions_not_ended ON sessions (account_id) WHERE ended_at IS NULL;
-- All sessions of a user, for the cascade when the user is deleted.
CREATE INDEX sessions_account_id ON sessions (account_id);
-- The sessions to purge: ended, expired, or idle.
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_refreshed_on ON sessions (refreshed_on);
-- The sessions whose consumed credentials are to be erased.
CREATE INDEX sessions_has_consumed ON sessions (has_consumed) WHERE has_consumed = 1;

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

-- Runs at the first refresh after an erasure, and at the erasure.
CREATE TRIGGER sessions_consumed AFTER UPDATE OF consumed ON sessions FOR EACH ROW
    WHEN OLD.has_consumed <> (length(NEW.consumed) > 0)
BEGIN
    UPDATE sessions SET has_consumed = length(NEW.consumed) > 0 WHERE id = NEW.id;
END;
