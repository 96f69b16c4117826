-- Finding sessions that were idle for too long without looking at every old one that is alive.

-- The day of the last refresh, in days since the Unix epoch. It changes once a day at most, and is set apart from what
-- every refresh sets: a refresh still writes no page of an index. A generated column would have its index written by
-- every statement that sets what it is made of.
ALTER TABLE sessions ADD COLUMN refreshed_on INTEGER NOT NULL DEFAULT 0;

UPDATE sessions SET refreshed_on = last_refreshed_at / 86400000000;

CREATE INDEX sessions_refreshed_on ON sessions (refreshed_on);

CREATE TRIGGER sessions_begun AFTER INSERT ON sessions FOR EACH ROW
BEGIN
    UPDATE sessions SET refreshed_on = NEW.last_refreshed_at / 86400000000 WHERE id = NEW.id;
END;

CREATE TRIGGER sessions_refreshed AFTER UPDATE OF last_refreshed_at ON sessions FOR EACH ROW
    WHEN OLD.refreshed_on <> NEW.last_refreshed_at / 86400000000
BEGIN
    UPDATE sessions SET refreshed_on = NEW.last_refreshed_at / 86400000000 WHERE id = NEW.id;
END;

-- It served for the same purpose.
DROP INDEX sessions_created_at;
