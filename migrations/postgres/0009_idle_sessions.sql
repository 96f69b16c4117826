-- Finding sessions that were idle for too long without looking at every old one that is alive.
--
-- The table is written anew, which takes some seconds for each million of sessions.

-- The day of the last refresh. It changes once a day at most, so a refresh still leaves every index alone (HOT): what
-- counts for that is the value, not the statement.
ALTER TABLE sessions ADD COLUMN refreshed_on date NOT NULL
    GENERATED ALWAYS AS ((last_refreshed_at AT TIME ZONE 'UTC')::date) STORED;

CREATE INDEX sessions_refreshed_on ON sessions (refreshed_on);

-- It served for the same purpose.
DROP INDEX sessions_created_at;
