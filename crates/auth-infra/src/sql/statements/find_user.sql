SELECT accounts.id AS user_id, number, username, email, email_verified, display_name, phone_number, status, roles,
    accounts.created_at AS user_created_at, external_id, metadata
FROM accounts
WHERE id = $1
