INSERT INTO audit_events
    (at, count, last_at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, unhex(value ->> 5), unhex(value ->> 6), value ->> 7,
       value ->> 8, value ->> 9, unhex(value ->> 10), value ->> 11
FROM json_each($1)
ORDER BY key
