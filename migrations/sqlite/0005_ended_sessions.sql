-- What a process has to know to refuse access tokens without asking: the sessions that have ended before their time.
--
-- Triggers write it, so that no statement ends a session unseen, whoever it comes from. They are a record of what has
-- happened and decide nothing. Purged when no access token of the session can be current any more.

CREATE TABLE ended_sessions (
    -- In the order of commits, as writers take turns; no number is given twice, even when all rows are gone.
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id  BLOB    NOT NULL,
    recorded_at INTEGER NOT NULL DEFAULT (unixepoch() * 1000000)
) STRICT;

CREATE INDEX ended_sessions_recorded_at ON ended_sessions (recorded_at);

-- An access token lives a day at the most. So sessions that were not refreshed for longer (25 hours, in microseconds)
-- have none that is current, and that is what most of those that are purged are like.
CREATE TRIGGER sessions_ended AFTER UPDATE OF ended_at ON sessions
    WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
         AND OLD.last_refreshed_at > unixepoch() * 1000000 - 90000000000
BEGIN
    INSERT INTO ended_sessions (session_id) VALUES (OLD.id);
END;

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions
    WHEN OLD.ended_at IS NULL AND OLD.expires_at > unixepoch() * 1000000
         AND OLD.last_refreshed_at > unixepoch() * 1000000 - 90000000000
BEGIN
    INSERT INTO ended_sessions (session_id) VALUES (OLD.id);
END;
