-- Fills an empty store with users who look like real ones, each with the same password.
--
-- psql -v accounts=10000000 -v sessions=2000000 -v hash='$argon2id$..' -f fill.sql
--
-- Keys and indexes are taken off as the migrations made them and put back when the rows are there: what is filled has the
-- schema of the migrations, whatever it is by then. Everything follows from a row's number, nothing from chance, so two
-- stores of the same size are the same.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET maintenance_work_mem = '512MB';
SET work_mem = '256MB';
SET synchronous_commit = off;

-- UUID version 7 (RFC 9562, section 5.7) of the n-th row of a kind, made at a time in milliseconds.
CREATE FUNCTION pg_temp.id_of(kind text, n bigint, at bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT overlay(overlay(lpad(to_hex(at), 12, '0') || left(md5(kind || n), 20) PLACING '7' FROM 13) PLACING '8' FROM 17)::uuid
$$;

-- Users registered over three years, evenly: from 2023-01-01 on, in milliseconds.
CREATE FUNCTION pg_temp.registered(n bigint, accounts bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT 1672531200000 + n * 94608000000 / accounts
$$;

CREATE FUNCTION pg_temp.time_of(at bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT to_timestamp(at / 1000.0::float8)
$$;

CREATE TEMP TABLE taken_off (place int, kind text, owner text, name text, definition text);
INSERT INTO taken_off
SELECT CASE contype WHEN 'f' THEN 3 ELSE 1 END, 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE contype IN ('p', 'u', 'f')
    AND conrelid IN ('accounts'::regclass, 'account_identifiers'::regclass, 'sessions'::regclass);
INSERT INTO taken_off
SELECT 2, 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid IN ('accounts'::regclass, 'account_identifiers'::regclass, 'sessions'::regclass)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid);
-- What refers to these tables from others is taken off with the keys, so it has to be put back too.
INSERT INTO taken_off
SELECT 3, 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE contype = 'f' AND confrelid IN ('accounts'::regclass, 'sessions'::regclass)
    AND (conrelid::regclass::text, conname) NOT IN (SELECT owner, name FROM taken_off);

-- Where the server keeps no more of the log than it needs to come up again, tables that are emptied and filled in one
-- transaction are not logged.
BEGIN;
SELECT CASE kind WHEN 'index' THEN format('DROP INDEX %s', name)
                 ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', owner, name) END
FROM taken_off ORDER BY place DESC, name \gexec
TRUNCATE accounts, account_identifiers, sessions RESTART IDENTITY CASCADE;

-- Six users in ten have a username and an e-mail address, three only an address, one only a username.
INSERT INTO accounts
    (id, username, email, email_verified, display_name, phone_number, roles, password_hash, created_at)
SELECT pg_temp.id_of('account', n, at),
    CASE WHEN n % 10 < 7 THEN format('User_%s', n) END,
    CASE WHEN n % 10 <> 0 THEN format('first.last.%s@mail-%s.example.com', n, n % 97) END,
    n % 10 <> 0 AND n % 3 = 0,
    CASE WHEN n % 2 = 0 THEN format('First Last %s', n) END,
    CASE WHEN n % 5 = 0 THEN format('+84%s', 100000000 + n) END,
    CASE WHEN n % 1000 = 0 THEN 'admin,customer' ELSE 'customer' END,
    :'hash',
    pg_temp.time_of(at)
FROM generate_series(1::bigint, :accounts) AS n, LATERAL pg_temp.registered(n, :accounts) AS at;

INSERT INTO account_identifiers (key, account_id)
SELECT lower(key), id FROM accounts, LATERAL (VALUES (username), (email)) AS keys (key) WHERE key IS NOT NULL;

-- Begun within the last ten days by users from everywhere in the table, each refreshed once.
INSERT INTO sessions
    (id, account_id, client_id, token_family, created_at, last_refreshed_at, expires_at, credential, consumed)
SELECT pg_temp.id_of('session', n, at),
    pg_temp.id_of('account', account, pg_temp.registered(account, :accounts)),
    'token_pair', sha256(convert_to('family' || n, 'UTF8')),
    pg_temp.time_of(at), pg_temp.time_of(at) + interval '10 minutes', pg_temp.time_of(at) + interval '366 days',
    sha256(convert_to('second' || n, 'UTF8')),
    -- The digest of the first credential, the time of its consumption in microseconds, and a nonce of 16 bytes.
    sha256(convert_to('first' || n, 'UTF8')) || int8send((at + 600000) * 1000) || decode(md5('nonce' || n), 'hex')
FROM (SELECT n, began + n * 863000000 / :sessions AS at, 1 + n * 7919 % :accounts AS account
      FROM generate_series(1::bigint, :sessions) AS n,
          (SELECT (extract(epoch FROM now() - interval '10 days') * 1000)::bigint AS began) AS clock) AS begun;

SELECT CASE kind WHEN 'index' THEN definition
                 ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', owner, name, definition) END
FROM taken_off ORDER BY place, name \gexec
COMMIT;

VACUUM (ANALYZE) accounts, account_identifiers, sessions;
CHECKPOINT;
