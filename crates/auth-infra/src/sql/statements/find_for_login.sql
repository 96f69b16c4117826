SELECT accounts.id AS user_id, number, username, email, email_verified, display_name, phone_number, status, roles,
    accounts.created_at AS user_created_at, external_id, metadata, password_hash, password_version
FROM account_identifiers
JOIN accounts ON accounts.id = account_id
WHERE key = $1
