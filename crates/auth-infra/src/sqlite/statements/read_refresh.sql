SELECT accounts.id AS user_id, number, username, email, email_verified, display_name, phone_number, status, roles,
    accounts.created_at AS user_created_at,
    sessions.id AS session_id, account_id, client_id, sessions.created_at AS session_created_at,
    last_refreshed_at, expires_at, ended_at, end_reason,
    consumed_at, CASE WHEN last_consumed = digest THEN successor_nonce END AS successor_nonce
FROM refresh_credentials
JOIN sessions ON sessions.id = session_id
JOIN accounts ON accounts.id = account_id
WHERE digest = $1
