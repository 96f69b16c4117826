-- Sessions with their refresh credentials, and the two functions that write them in one round trip.

CREATE TABLE sessions (
    id                uuid        PRIMARY KEY,
    account_id        uuid        NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id         text        NOT NULL,
    -- SHA-256 of the part of a refresh token that all tokens of the session share. It finds the session.
    token_family      bytea       NOT NULL UNIQUE CHECK (octet_length(token_family) = 32),
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    ended_at          timestamptz,
    end_reason        text,
    -- The day of the last refresh, for the purge of idle sessions. Its value changes at most once a day, so a refresh still is
    -- a HOT update: PostgreSQL compares the values of indexed columns, not the columns that the statement names.
    refreshed_on      date NOT NULL GENERATED ALWAYS AS ((last_refreshed_at AT TIME ZONE 'UTC')::date) STORED,
    -- Whether consumed credentials are stored, for the purge that erases them. Consecutive refreshes do not change the value.
    has_consumed      boolean NOT NULL GENERATED ALWAYS AS (octet_length(consumed) > 0) STORED,
    last_refreshed_at timestamptz NOT NULL,
    -- SHA-256 of the current refresh credential. The credential itself is not stored.
    credential        bytea NOT NULL CHECK (octet_length(credential) = 32),
    -- The credentials that were consumed within the last retry window, oldest first, 56 bytes each: the digest, the time in
    -- microseconds since the Unix epoch, and the nonce from which the successor is derived.
    consumed          bytea NOT NULL DEFAULT '' CHECK (octet_length(consumed) % 56 = 0),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
    -- No index contains last_refreshed_at, credential or consumed, which every refresh changes. PostgreSQL writes the new row
    -- version into the free space of its page and updates no index (HOT). The fill factor reserves that space. The three are
    -- the last columns, because the WAL record of such an update omits what the two row versions begin with.
) WITH (fillfactor = 85);

-- The sessions of a user that have not ended. Every log-in counts them, so ended sessions must not slow it down.
CREATE INDEX sessions_not_ended ON sessions (account_id) WHERE ended_at IS NULL;
-- All sessions of a user, for the cascade when the user is deleted.
CREATE INDEX sessions_account_id ON sessions (account_id);
-- The sessions to purge: ended, expired, or idle.
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_refreshed_on ON sessions (refreshed_on);
-- The sessions whose consumed credentials are to be erased.
CREATE INDEX sessions_has_consumed ON sessions (id) WHERE has_consumed;

-- Opens a session for a user who has room for it. Every log-in calls this function, except those that evict a session.
--
-- The function decides nothing. It returns true if the user is still as the domain judged them, has at most others_allowed
-- other sessions that have not ended, and the session is stored. Otherwise it changes nothing, and the caller takes the locks.
--
-- This is a function of several statements, because the second one must see what was committed until the first one got the
-- lock. A single statement would count by its older snapshot.
CREATE FUNCTION open_session(
    judged_status text, judged_version bigint, judged_roles text, others_allowed bigint,
    new_id uuid, new_account_id uuid, new_client_id text, new_created_at timestamptz,
    new_last_refreshed_at timestamptz, new_expires_at timestamptz, new_family bytea, new_credential bytea
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- SKIP LOCKED: a call that commits by itself must not wait. It could commit after its caller got a 503.
    PERFORM FROM accounts
    WHERE id = new_account_id AND status = judged_status AND password_version = judged_version
        AND roles = judged_roles
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- One session more than allowed is enough to know. The new session is not counted: it exists already if this call is
    -- repeated because its answer was lost.
    PERFORM FROM sessions WHERE account_id = new_account_id AND ended_at IS NULL AND id <> new_id
    OFFSET others_allowed LIMIT 1;
    IF FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO sessions
        (id, account_id, client_id, token_family, created_at, last_refreshed_at, expires_at, credential)
    VALUES
        (new_id, new_account_id, new_client_id, new_family, new_created_at, new_last_refreshed_at, new_expires_at,
         new_credential)
    ON CONFLICT (id) DO NOTHING;
    RETURN FOUND OR EXISTS (SELECT FROM sessions WHERE id = new_id AND token_family = new_family);
END
$$;

-- Refreshes one session. One statement calls it for a whole batch.
--
-- The function decides nothing. It returns true if the session has not ended, no other transaction holds its lock, and its
-- credential is still the judged one. Otherwise it changes nothing. The row alone proves this: every rotation writes a new
-- credential, and every relevant change of the user ends the session.
--
-- SKIP LOCKED: a call that commits by itself must not wait. It could commit after its caller got a 503.
CREATE FUNCTION refresh_session(
    judged_id uuid, judged_credential bytea, new_credential bytea, new_consumed bytea, new_time timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET last_refreshed_at = new_time, credential = new_credential, consumed = new_consumed
    WHERE id = (SELECT id FROM sessions WHERE id = judged_id FOR NO KEY UPDATE SKIP LOCKED)
        AND ended_at IS NULL AND credential = judged_credential;
    RETURN FOUND;
END
$$;
