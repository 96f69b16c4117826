SELECT digest, account_id FROM account_imports WHERE digest IN (SELECT unhex(value) FROM json_each($1))
