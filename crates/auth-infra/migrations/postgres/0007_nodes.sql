-- The nodes that serve this store, and the keys that they sign with: nodes with different keys refuse each other's tokens.
-- SQLite serves one node, so that store has no migration of this number.

CREATE TABLE nodes (
    -- A random number of the process.
    id          uuid        PRIMARY KEY,
    signing_kid text        NOT NULL,
    -- The key that signs next, or the same key.
    newest_kid  text        NOT NULL,
    -- The clock of the server decides which nodes are alive.
    seen_at     timestamptz NOT NULL
);
