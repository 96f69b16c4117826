UPDATE sessions SET last_refreshed_at = $2, credential = $3, consumed = $4 WHERE id = $1
