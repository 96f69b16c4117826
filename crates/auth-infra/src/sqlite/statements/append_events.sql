INSERT INTO audit_events
    (at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail)
SELECT value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3), unhex(value ->> 4), value ->> 5, value ->> 6, value ->> 7,
       unhex(value ->> 8), value ->> 9
FROM json_each($1)
ORDER BY key
