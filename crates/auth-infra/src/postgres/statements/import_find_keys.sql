SELECT key FROM account_identifiers WHERE key = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
