SELECT key FROM account_identifiers WHERE key IN (SELECT value FROM json_each($1))
