SELECT accounts.id AS user_id, number, username, email, email_verified, display_name, phone_number, status, roles,
    accounts.created_at AS user_created_at, external_id, metadata,
    sessions.id AS session_id, account_id, client_id, sessions.created_at AS session_created_at,
    last_refreshed_at, expires_at, ended_at, end_reason, credential, consumed
FROM sessions
JOIN accounts ON accounts.id = account_id
WHERE token_family = $1
