-- Sessions, their refresh credentials, and the two functions that write them in one round trip.

CREATE TABLE sessions (
    id                uuid        PRIMARY KEY,
    account_id        uuid        NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id         text        NOT NULL,
    created_at        timestamptz NOT NULL,
    last_refreshed_at timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    ended_at          timestamptz,
    end_reason        text,
    -- The last consumed credential and the nonce from which its successor is derived. Only this credential can be retried, so
    -- the nonce is stored once per session. The next rotation overwrites both.
    last_consumed     bytea CHECK (octet_length(last_consumed) = 32),
    successor_nonce   bytea CHECK (octet_length(successor_nonce) = 32),
    -- The day of the last refresh, for the purge of idle sessions. Its value changes at most once a day, so a refresh still is
    -- a HOT update: PostgreSQL compares the values of indexed columns, not the columns that the statement names.
    refreshed_on      date NOT NULL GENERATED ALWAYS AS ((last_refreshed_at AT TIME ZONE 'UTC')::date) STORED,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK ((last_consumed IS NULL) = (successor_nonce IS NULL))
    -- No index contains last_refreshed_at, last_consumed or successor_nonce, which every refresh changes. PostgreSQL writes the
    -- new row version into the free space of its page and updates no index (HOT). The fill factor reserves that space.
) WITH (fillfactor = 85);

-- The sessions of a user that have not ended. Every log-in counts them, so ended sessions must not slow it down.
CREATE INDEX sessions_not_ended ON sessions (account_id) WHERE ended_at IS NULL;
-- All sessions of a user, for the cascade when the user is deleted.
CREATE INDEX sessions_account_id ON sessions (account_id);
-- The sessions to purge: ended, expired, or idle.
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_refreshed_on ON sessions (refreshed_on);

CREATE TABLE refresh_credentials (
    -- SHA-256 of the secret. The secret itself is not stored.
    digest      bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id  uuid  NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- Null for the current credential of the session.
    consumed_at timestamptz
    -- Consuming a credential changes no indexed column either (HOT).
) WITH (fillfactor = 85);

CREATE INDEX refresh_credentials_session_id ON refresh_credentials (session_id);

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
    new_last_refreshed_at timestamptz, new_expires_at timestamptz, new_digest bytea
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

-- Refreshes one session. One statement calls it for a whole batch.
--
-- The function decides nothing. It returns true if the session has not ended, no other transaction holds its lock, and its
-- last consumed credential is still the judged one. Otherwise it changes nothing. The session row alone proves this: every
-- rotation writes a new value to last_consumed, and every relevant change of the user ends the session. The function locks
-- the session row before the credential, as every writer does.
--
-- SKIP LOCKED: a call that commits by itself must not wait. It could commit after its caller got a 503.
--
-- Without new_digest only the time of the last refresh changes, and last_consumed is not compared.
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
        -- A purge deleted the credential in the meantime. The error undoes the statement, and the caller judges again.
        RAISE EXCEPTION 'the credential no longer exists' USING ERRCODE = 'serialization_failure';
    END IF;
    INSERT INTO refresh_credentials (digest, session_id) VALUES (new_digest, judged_id);
    RETURN true;
END
$$;
