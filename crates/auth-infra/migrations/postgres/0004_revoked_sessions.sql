-- Sessions that ended while their access tokens may still be valid. Every node reads this table and refuses those tokens
-- without a query per request.
--
-- Triggers write it, so every statement that ends a session is covered, including those of other programs. A row is a record
-- of a fact and decides nothing. The purge deletes a row when no access token of the session can be valid any more.

CREATE TABLE revoked_sessions (
    session_id  uuid        PRIMARY KEY,
    -- Not the start of the transaction: the session may have got an access token since.
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The transaction that ended the session. A reader that has seen every transaction below a number, according to its
    -- snapshot, misses none, however late one commits. A timestamp cannot guarantee that.
    recorded_by xid8        NOT NULL DEFAULT pg_current_xact_id()
);

CREATE INDEX revoked_sessions_recorded_by ON revoked_sessions (recorded_by);
CREATE INDEX revoked_sessions_recorded_at ON revoked_sessions (recorded_at);

-- Another program may end a session with another search path. The function uses the one of this migration.
CREATE FUNCTION record_revoked_session() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO revoked_sessions (session_id) VALUES (OLD.id)
    ON CONFLICT (session_id) DO UPDATE SET recorded_at = DEFAULT, recorded_by = DEFAULT;
    -- Notifies listeners, which then read the table. PostgreSQL sends one notification per transaction, after the commit.
    PERFORM pg_notify('revoked_sessions', '');
    RETURN NULL;
END
$$;

-- An access token is valid for at most one day. A session without a refresh in the last 25 hours has no valid token. Most
-- purged sessions are of this kind, so the purge writes few rows here.
CREATE TRIGGER sessions_ended AFTER UPDATE OF ended_at ON sessions FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
          AND OLD.last_refreshed_at > now() - interval '25 hours')
    EXECUTE FUNCTION record_revoked_session();

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND OLD.expires_at > now()
          AND OLD.last_refreshed_at > now() - interval '25 hours')
    EXECUTE FUNCTION record_revoked_session();
