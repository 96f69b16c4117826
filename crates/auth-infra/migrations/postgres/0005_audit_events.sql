-- The audit trail: what happened and what was denied.
--
-- No foreign key refers to a user, a session or an API key, because an event outlives them. No column is large enough for a
-- secret.

CREATE TABLE audit_events (
    -- Ascending in the order of commits: a writer holds an advisory lock from its first number until its commit.
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Of a merged event, the time of the first one.
    at         timestamptz NOT NULL,
    -- The number of events that were merged into this one. 1 is a single event, which has no other last time.
    count      bigint      NOT NULL CHECK (count BETWEEN 1 AND 4294967295),
    last_at    timestamptz CHECK ((last_at IS NULL) = (count = 1)),
    action     text        NOT NULL CHECK (octet_length(action) <= 64),
    -- The reason of a denial. Null for a success.
    denial     text        CHECK (octet_length(denial) <= 64),
    account_id uuid,
    session_id uuid,
    client_id  text        CHECK (octet_length(client_id) <= 255),
    address    text        CHECK (octet_length(address) <= 45),
    -- The same id as in the log and in the header X-Request-Id.
    request_id text        CHECK (octet_length(request_id) = 16),
    api_key_id uuid,
    detail     text        CHECK (octet_length(detail) <= 1400)
);

CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_account_id ON audit_events (account_id, id) WHERE account_id IS NOT NULL;
