SELECT open_session(
    status, version, roles, others, id, account_id, client_id, created_at, refreshed_at, expires_at, family, credential)
FROM unnest(
    $1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[],
    $9::timestamptz[], $10::timestamptz[], $11::bytea[], $12::bytea[])
    WITH ORDINALITY AS judged
        (status, version, roles, others, id, account_id, client_id, created_at, refreshed_at, expires_at, family, credential,
         ordinal)
ORDER BY ordinal
