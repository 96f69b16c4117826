-- Users, under the name their table has always had outside: accounts.
--
-- The rules of every text column are the domain's; what stands here only keeps a slip of a program or of an operator
-- from storing what could never be read back.

CREATE TABLE accounts (
    -- Ends where JSON parsers stop to read integers exactly (RFC 8259, section 6). A sequence gives no number twice.
    number           bigint      GENERATED ALWAYS AS IDENTITY (MINVALUE 1 MAXVALUE 9007199254740991) PRIMARY KEY,
    id               uuid        NOT NULL UNIQUE,
    -- Identifiers as they were typed; what they are compared by is in account_identifiers.
    username         text,
    email            text,
    email_verified   boolean     NOT NULL DEFAULT false,
    display_name     text,
    phone_number     text,
    status           text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    -- Names joined by commas.
    roles            text        NOT NULL,
    password_hash    text        NOT NULL,
    -- Counts changes of the password.
    password_version bigint      NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL,
    CHECK (username IS NOT NULL OR email IS NOT NULL),
    CHECK (email IS NOT NULL OR NOT email_verified)
);

-- The one uniqueness space of usernames and e-mail addresses.
CREATE TABLE account_identifiers (
    -- Bytes are compared, not letters: a new version of the system's collations must not change what is equal.
    key        text COLLATE "C" PRIMARY KEY,
    -- Checked at commit, so that a registration can find its keys taken before it uses up a number.
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX account_identifiers_account_id ON account_identifiers (account_id);
