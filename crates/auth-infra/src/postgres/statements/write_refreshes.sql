SELECT refresh_session(session, judged, credential, consumed, at)
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::timestamptz[])
    WITH ORDINALITY AS refresh (session, judged, credential, consumed, at, ordinal)
ORDER BY ordinal
