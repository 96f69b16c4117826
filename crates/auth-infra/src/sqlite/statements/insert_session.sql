INSERT INTO sessions (id, account_id, client_id, created_at, last_refreshed_at, expires_at, ended_at, end_reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
INSERT INTO refresh_credentials (digest, session_id) VALUES ($9, $1)
