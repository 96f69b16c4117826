INSERT INTO sessions
    (id, account_id, client_id, token_family, created_at, last_refreshed_at, expires_at, ended_at, end_reason, credential)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
