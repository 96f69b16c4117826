SELECT external_id FROM accounts WHERE external_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
