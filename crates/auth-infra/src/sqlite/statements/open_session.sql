INSERT INTO sessions (id, account_id, client_id, token_family, created_at, last_refreshed_at, expires_at, credential)
SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM accounts
WHERE id = $2 AND status = $9 AND password_version = $10 AND roles = $11
    AND $12 >= (SELECT count(*) FROM (
        SELECT 1 FROM sessions WHERE account_id = $2 AND ended_at IS NULL LIMIT 1 + $12))
