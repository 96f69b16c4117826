-- Opening a session in one round trip where it takes nobody's place: as log-ins do, but for those of users who have as
-- many sessions as they may have.
--
-- It decides nothing: true if the user is as was judged, has no more than so many sessions that have not ended, and the
-- session is stored; else nothing has changed, and whoever calls has to look closer. A function, and not one statement,
-- because the second statement has to see what was committed until the first one had its lock.

CREATE FUNCTION open_session(
    judged_status text, judged_version bigint, judged_roles text, others_allowed bigint,
    new_id uuid, new_account_id uuid, new_client_id text, new_created_at timestamptz,
    new_last_refreshed_at timestamptz, new_expires_at timestamptz, new_digest bytea
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM accounts
    WHERE id = new_account_id AND status = judged_status AND password_version = judged_version
        AND roles = judged_roles
    FOR NO KEY UPDATE SKIP LOCKED; -- who gave up waiting would have left a call behind that commits later
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- One more than allowed is enough to know. The session itself is there already if the answer to this was lost.
    PERFORM FROM sessions WHERE account_id = new_account_id AND ended_at IS NULL AND id <> new_id
    OFFSET others_allowed LIMIT 1;
    IF FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO sessions (id, account_id, client_id, created_at, last_refreshed_at, expires_at)
    VALUES (new_id, new_account_id, new_client_id, new_created_at, new_last_refreshed_at, new_expires_at)
    ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN EXISTS (SELECT FROM refresh_credentials WHERE digest = new_digest AND session_id = new_id);
    END IF;
    INSERT INTO refresh_credentials (digest, session_id) VALUES (new_digest, new_id);
    RETURN true;
END
$$;
