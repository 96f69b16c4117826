INSERT INTO account_imports (digest, account_id)
SELECT unhex(value ->> 'digest'), unhex(value ->> 'id') FROM json_each($1)
