-- What every node has to know to refuse access tokens without asking: the sessions that have ended before their time.
--
-- Triggers write it, so that no statement ends a session unseen, whoever it comes from. They are a record of what has
-- happened and decide nothing. Purged when no access token of the session can be current any more.

CREATE TABLE ended_sessions (
    session_id  uuid        PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    -- The transaction that ended it. A reader who has seen every transaction before one of these numbers, as a snapshot
    -- tells, misses none however late it commits; a time would not tell that.
    recorded_by xid8        NOT NULL DEFAULT pg_current_xact_id()
);

CREATE INDEX ended_sessions_recorded_by ON ended_sessions (recorded_by);
CREATE INDEX ended_sessions_recorded_at ON ended_sessions (recorded_at);

-- Whoever ends a session may have another search path than the one that these tables are found by.
CREATE FUNCTION record_ended_session() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO ended_sessions (session_id) VALUES (OLD.id)
    ON CONFLICT (session_id) DO UPDATE SET recorded_at = DEFAULT, recorded_by = DEFAULT;
    -- A bell: whoever listens reads the table. It rings once a transaction, when it has committed.
    PERFORM pg_notify('ended_sessions', '');
    RETURN NULL;
END
$$;

-- An access token lives a day at the most. So sessions that were not refreshed for longer have none that is current, and
-- that is what most of those that are purged are like.
CREATE TRIGGER sessions_ended AFTER UPDATE OF ended_at ON sessions FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
          AND OLD.last_refreshed_at > now() - interval '25 hours')
    EXECUTE FUNCTION record_ended_session();

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND OLD.expires_at > now()
          AND OLD.last_refreshed_at > now() - interval '25 hours')
    EXECUTE FUNCTION record_ended_session();
