-- Users. Their table is called accounts, because that name is part of the documented interface.
--
-- The domain checks every text column. The constraints here only prevent a program or an operator from storing a value that
-- cannot be read back.

CREATE TABLE accounts (
    -- Up to the largest integer that JSON parsers read exactly (RFC 8259, section 6). A sequence never reuses a number.
    number           bigint      GENERATED ALWAYS AS IDENTITY (MINVALUE 1 MAXVALUE 9007199254740991) PRIMARY KEY,
    id               uuid        NOT NULL UNIQUE,
    -- The identifiers as they were typed. account_identifiers contains the normalised keys.
    username         text,
    email            text,
    email_verified   boolean     NOT NULL DEFAULT false,
    display_name     text,
    phone_number     text,
    status           text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    -- Comma-separated names.
    roles            text        NOT NULL,
    -- Null until a password is set: the user cannot log in with one.
    password_hash    text,
    -- Each password change increments it.
    password_version bigint      NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL,
    -- The id in the service that the user was imported from.
    external_id      text COLLATE "C",
    -- Data of the embedding program, which is never interpreted.
    metadata         text,
    CHECK (username IS NOT NULL OR email IS NOT NULL),
    CHECK (email IS NOT NULL OR NOT email_verified)
);

-- Most users have no external id, so they are not in the index.
CREATE UNIQUE INDEX accounts_external_id ON accounts (external_id) WHERE external_id IS NOT NULL;

-- Usernames and e-mail addresses share this one space of unique keys.
CREATE TABLE account_identifiers (
    -- Collation "C" compares bytes. A new version of the system's collations must not change which keys are equal.
    key        text COLLATE "C" PRIMARY KEY,
    -- Deferred to the commit: a registration takes its keys first, so a taken key uses up no number.
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX account_identifiers_account_id ON account_identifiers (account_id);

-- Imported users. A second import of the same record changes nothing.
CREATE TABLE account_imports (
    -- SHA-256 of the imported identifiers and hash. Both may have changed since.
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    account_id uuid  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX account_imports_account_id ON account_imports (account_id);

-- Each node caches users, so every change is published on the channel changed_users. A trigger covers every statement,
-- including those of other programs. Nothing is stored: a node that starts to listen clears its cache.
CREATE FUNCTION notify_changed_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('changed_users', OLD.id::text);
    RETURN NULL;
END
$$;

-- All columns that a response shows. The password columns are not among them, so a log-in publishes nothing.
CREATE TRIGGER accounts_changed
    AFTER UPDATE OF
        id, number, username, email, email_verified, display_name, phone_number, status, roles, created_at,
        external_id, metadata
    ON accounts FOR EACH ROW EXECUTE FUNCTION notify_changed_user();

CREATE TRIGGER accounts_deleted AFTER DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION notify_changed_user();
