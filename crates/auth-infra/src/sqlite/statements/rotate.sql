UPDATE refresh_credentials SET consumed_at = $2 WHERE digest = $1;
INSERT INTO refresh_credentials (digest, session_id) VALUES ($3, $4);
UPDATE sessions SET last_refreshed_at = $2, last_consumed = $1, successor_nonce = $5 WHERE id = $4
