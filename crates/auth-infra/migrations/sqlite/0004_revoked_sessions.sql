-- Sessions that ended while their access tokens may still be valid. The process reads this table and refuses those tokens
-- without a query per request.
--
-- Triggers write it, so every statement that ends a session is covered, including those of other programs. A row is a record
-- of a fact and decides nothing. The purge deletes a row when no access token of the session can be valid any more.

CREATE TABLE revoked_sessions (
    -- Ascending in the order of commits, because there is one writer at a time. AUTOINCREMENT never reuses a number, even
    -- when the table is empty.
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id  BLOB    NOT NULL,
    recorded_at INTEGER NOT NULL DEFAULT (unixepoch() * 1000000)
) STRICT;

CREATE INDEX revoked_sessions_recorded_at ON revoked_sessions (recorded_at);

-- An access token is valid for at most one day. A session without a refresh in the last 25 hours (90,000,000,000 µs) has no
-- valid token. Most purged sessions are of this kind, so the purge writes few rows here.
CREATE TRIGGER sessions_ended AFTER UPDATE OF ended_at ON sessions
    WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
         AND OLD.last_refreshed_at > unixepoch() * 1000000 - 90000000000
BEGIN
    INSERT INTO revoked_sessions (session_id) VALUES (OLD.id);
END;

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions
    WHEN OLD.ended_at IS NULL AND OLD.expires_at > unixepoch() * 1000000
         AND OLD.last_refreshed_at > unixepoch() * 1000000 - 90000000000
BEGIN
    INSERT INTO revoked_sessions (session_id) VALUES (OLD.id);
END;
