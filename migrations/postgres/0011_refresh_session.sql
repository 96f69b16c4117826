-- Refreshing a session by one call, so that one statement can refresh many.
--
-- It decides nothing: true if the session has not ended, nobody is at work on it, the credential that was consumed last is
-- the one that was judged, and what was to be written is; else nothing has changed. It never waits: whoever gave up waiting
-- would have left a call behind that commits later. Every rotation changes `last_consumed`, to what it never was before, and
-- whatever happens to a user that matters here ends the session. Both are in the one row that is locked first and looked at
-- as it is then; the credential comes after it.
--
-- Without a successor the credential stays, and the session counts as refreshed.

CREATE FUNCTION refresh_session(
    judged_id uuid, judged_consumed bytea, presented bytea, successor bytea, nonce bytea, at timestamptz
) RETURNS boolean LANGUAGE plpgsql COST 1 AS $$
BEGIN
    IF successor IS NULL THEN
        UPDATE sessions SET last_refreshed_at = at
        WHERE id = (SELECT id FROM sessions WHERE id = judged_id FOR NO KEY UPDATE SKIP LOCKED)
            AND ended_at IS NULL;
        RETURN FOUND;
    END IF;
    UPDATE sessions SET last_refreshed_at = at, last_consumed = presented, successor_nonce = nonce
    WHERE id = (SELECT id FROM sessions WHERE id = judged_id FOR NO KEY UPDATE SKIP LOCKED)
        AND ended_at IS NULL AND last_consumed IS NOT DISTINCT FROM judged_consumed;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE refresh_credentials SET consumed_at = at WHERE digest = presented;
    INSERT INTO refresh_credentials (digest, session_id) VALUES (successor, judged_id);
    RETURN true;
END
$$;

-- As cheap to PostgreSQL's planner as the other, so that it plans a statement of either once for any number of calls.
ALTER FUNCTION open_session(
    text, bigint, text, bigint, uuid, uuid, text, timestamptz, timestamptz, timestamptz, bytea
) COST 1;
