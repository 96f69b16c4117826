-- Refreshing a session by one call, so that one statement can refresh many.
--
-- It decides nothing: true if the session has not ended, nobody is at work on it, the credential that was consumed last is
-- the one that was judged, and what was to be written is; else nothing has changed. It never waits: whoever gave up waiting
-- would have left a call behind that commits later. Every rotation changes `last_consumed`, to what it never was before, and
-- whatever happens to a user that matters here ends the session. Both are in the one row that is locked first and looked at
-- as it is then; the credential comes after it.
--
-- Without a successor the credential stays, the session counts as refreshed, and what was consumed last does not matter.

CREATE FUNCTION refresh_session(
    judged_id uuid, judged_consumed bytea, used_digest bytea, new_digest bytea, new_nonce bytea, new_time timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF new_digest IS NULL THEN
        UPDATE sessions SET last_refreshed_at = new_time
        WHERE id = (SELECT id FROM sessions WHERE id = judged_id FOR NO KEY UPDATE SKIP LOCKED)
            AND ended_at IS NULL;
        RETURN FOUND;
    END IF;
    UPDATE sessions SET last_refreshed_at = new_time, last_consumed = used_digest, successor_nonce = new_nonce
    WHERE id = (SELECT id FROM sessions WHERE id = judged_id FOR NO KEY UPDATE SKIP LOCKED)
        AND ended_at IS NULL AND last_consumed IS NOT DISTINCT FROM judged_consumed;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE refresh_credentials SET consumed_at = new_time WHERE digest = used_digest;
    IF NOT FOUND THEN
        -- It was purged meanwhile. All is undone, and judged again.
        RAISE EXCEPTION 'the credential is no more' USING ERRCODE = 'serialization_failure';
    END IF;
    INSERT INTO refresh_credentials (digest, session_id) VALUES (new_digest, judged_id);
    RETURN true;
END
$$;
