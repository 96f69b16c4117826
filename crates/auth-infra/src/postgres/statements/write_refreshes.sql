SELECT refresh_session(session, last_consumed, presented, successor, nonce, at)
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::timestamptz[])
    WITH ORDINALITY AS judged (session, last_consumed, presented, successor, nonce, at, ordinal)
ORDER BY ordinal
