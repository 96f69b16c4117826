INSERT INTO account_identifiers (key, account_id)
SELECT value ->> 0, unhex(value ->> 1) FROM json_each($1) WHERE true
ON CONFLICT (key) DO NOTHING
