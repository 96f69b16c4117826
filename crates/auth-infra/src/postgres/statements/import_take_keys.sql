-- First waits for transactions that take or free one of the keys, then takes those that are free.
INSERT INTO account_identifiers (key, account_id)
SELECT value ->> 0, (value ->> 1)::uuid FROM jsonb_array_elements($1::jsonb)
ON CONFLICT (key) DO NOTHING
