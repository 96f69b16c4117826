-- Counters of failed password attempts, per caller and per account. SQLite serves one node, which counts in memory, so that
-- store has no migration of this number.

CREATE TABLE attempts (
    -- SHA-256 of the counted name or address. Neither can be read from it.
    key        bytea       PRIMARY KEY CHECK (octet_length(key) = 32),
    -- The record that the domain judges.
    record     jsonb       NOT NULL,
    -- The end of the record's relevance, rounded up to the hour. Most changes leave it as it is, so they update no index
    -- (HOT, see sessions).
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX attempts_expires_at ON attempts (expires_at);
