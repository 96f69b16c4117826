INSERT INTO sessions (id, account_id, client_id, created_at, last_refreshed_at, expires_at)
SELECT $1, id, $3, $4, $5, $6 FROM accounts
WHERE id = $2 AND status = $7 AND password_version = $8 AND roles = $9
    AND $10 >= (SELECT count(*) FROM (
        SELECT 1 FROM sessions WHERE account_id = $2 AND ended_at IS NULL LIMIT 1 + $10));
INSERT INTO refresh_credentials (digest, session_id) SELECT $11, $1 WHERE changes() > 0
