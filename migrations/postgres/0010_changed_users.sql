-- Telling every node that a user is not as they were: nodes remember whom they have shown.
--
-- Nothing is recorded: whoever listens hears of each commit, and who begins to listen forgets everybody. A trigger, so
-- that no statement changes a user unheard, whoever it comes from.

CREATE FUNCTION tell_of_changed_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('changed_users', OLD.id::text);
    RETURN NULL;
END
$$;

-- All that is shown of a user, which the password is not: who logs in changes nothing of it.
CREATE TRIGGER accounts_changed
    AFTER UPDATE OF
        id, number, username, email, email_verified, display_name, phone_number, status, roles, created_at
    ON accounts FOR EACH ROW EXECUTE FUNCTION tell_of_changed_user();

CREATE TRIGGER accounts_deleted AFTER DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION tell_of_changed_user();
