-- Counters of attempts: what places and accounts have failed.

CREATE TABLE attempts (
    -- SHA-256 of what is counted: no name and no address can be read here.
    key        bytea       PRIMARY KEY CHECK (octet_length(key) = 32),
    -- The record, which is the domain's to judge.
    record     jsonb       NOT NULL,
    -- From when on it says nothing, rounded up to the hour: most changes leave it as it is, and with it every index
    -- (HOT, as in sessions).
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX attempts_expires_at ON attempts (expires_at);
