-- The audit trail: what happened and what was denied. Times are microseconds since the Unix epoch.
--
-- No foreign key refers to a user, a session or an API key, because an event outlives them. No column is large enough for a
-- secret.

CREATE TABLE audit_events (
    -- AUTOINCREMENT never reuses a number. There is one writer at a time, so the numbers ascend in the order of commits.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Of a merged event, the time of the first one.
    at         INTEGER NOT NULL,
    -- The number of events that were merged into this one. 1 is a single event, which has no other last time.
    count      INTEGER NOT NULL CHECK (count BETWEEN 1 AND 4294967295),
    last_at    INTEGER CHECK ((last_at IS NULL) = (count = 1)),
    action     TEXT    NOT NULL CHECK (octet_length(action) <= 64),
    -- The reason of a denial. Null for a success.
    denial     TEXT    CHECK (octet_length(denial) <= 64),
    account_id BLOB    CHECK (length(account_id) = 16),
    session_id BLOB    CHECK (length(session_id) = 16),
    client_id  TEXT    CHECK (octet_length(client_id) <= 255),
    address    TEXT    CHECK (octet_length(address) <= 45),
    -- The same id as in the log and in the header X-Request-Id.
    request_id TEXT    CHECK (octet_length(request_id) = 16),
    api_key_id BLOB    CHECK (length(api_key_id) = 16),
    detail     TEXT    CHECK (octet_length(detail) <= 1400)
) STRICT;

CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_account_id ON audit_events (account_id, id) WHERE account_id IS NOT NULL;
