INSERT INTO accounts
    (id, username, email, email_verified, display_name, phone_number, status, roles, password_hash, external_id,
     metadata, created_at)
SELECT unhex(value ->> 'id'), value ->> 'username', value ->> 'email', value ->> 'email_verified',
       value ->> 'display_name', value ->> 'phone_number', value ->> 'status', value ->> 'roles',
       value ->> 'password_hash', value ->> 'external_id', value ->> 'metadata',
       value ->> 'created_at'
FROM json_each($1)
ORDER BY key
