SELECT external_id FROM accounts WHERE external_id IN (SELECT value FROM json_each($1))
