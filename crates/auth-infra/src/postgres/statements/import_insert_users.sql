-- Times are whole seconds and microseconds: an interval is multiplied as a floating-point number.
INSERT INTO accounts
    (id, username, email, email_verified, display_name, phone_number, status, roles, password_hash, external_id,
     metadata, created_at)
SELECT (value ->> 'id')::uuid, value ->> 'username', value ->> 'email', (value ->> 'email_verified')::boolean,
       value ->> 'display_name', value ->> 'phone_number', value ->> 'status', value ->> 'roles',
       value ->> 'password_hash', value ->> 'external_id', value ->> 'metadata',
       timestamptz 'epoch' + (value ->> 'created_at')::bigint / 1000000 * interval '1 second'
                           + (value ->> 'created_at')::bigint % 1000000 * interval '1 microsecond'
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS batch (value, ordinal)
ORDER BY ordinal
