INSERT INTO account_imports (digest, account_id)
SELECT decode(value ->> 'digest', 'hex'), (value ->> 'id')::uuid FROM jsonb_array_elements($1::jsonb)
