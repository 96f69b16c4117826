//! Which database URLs are accepted, compared with `psql`.
#![cfg(feature = "postgres")]

use std::process::Command;

use auth_infra::postgres::PostgresUrl;

/// Whether `psql` finds nothing wrong with a URL and tries to connect. No server listens at the addresses of these tests.
fn psql_accepts(url: &str) -> Option<bool> {
    let mut psql = Command::new("psql");
    psql.env_clear().env("PATH", std::env::var_os("PATH")?).env("HOME", "/nonexistent");
    let output =
        psql.env("PGCONNECT_TIMEOUT", "2").args(["-w", "-X", "-c", "SELECT 1", url]).output().ok()?;
    Some(String::from_utf8_lossy(&output.stderr).contains("connection to server"))
}

const ACCEPTED: [&str; 24] = [
    "postgres://u@127.0.0.1:1/d",
    "postgresql://u:p@127.0.0.1:1/d",
    "postgresql://127.0.0.1:1",
    "postgresql:///d?host=127.0.0.1&port=1",
    "postgres://u@/d?host=/nonexistent",
    "postgres://u@%2Fnonexistent/d",
    "postgres://u@[::1]:1/d",
    "postgres://[::1]/d?port=1",
    "postgres://u:p%40%3A%2F%3F%23%25@127.0.0.1:1/d",
    "postgres://u:p#s?s:w@127.0.0.1:1/d",
    "postgres://u@127.0.0.1:1/d?ssl=true",
    "postgres://u@127.0.0.1:1/d?requiressl=1",
    "postgres://u@127.0.0.1:1/a/b",
    "postgres://u@127.0.0.1:1/d?sslmode=allow",
    "postgres://u@127.0.0.1:1/d?sslmode=verify-ca",
    "postgres://u@127.0.0.1:1/d?sslmode=verify-full",
    "postgres://u@127.0.0.1:1/d?user=x&password=a+b&dbname=e",
    "postgres://u@127.0.0.1:1/d?connect_timeout=1&keepalives=1",
    "postgres://u@127.0.0.1:1/d?hostaddr=127.0.0.2",
    "postgres://u@127.0.0.1:1/d?options=-c%20geqo%3Doff",
    "postgres://u@127.0.0.1:1/d?sslmode=require&sslmode=disable",
    "postgres://:p@127.0.0.1:1",
    "postgres://@127.0.0.1:1/?",
    "postgres://u@127.0.0.1:1/d?%73slmode=disable",
];

const REFUSED: [&str; 17] = [
    "postgres://u@127.0.0.1:1/d?sslmode=verify_full",
    "postgres://u@127.0.0.1:1/d?a",
    "postgres://u@127.0.0.1:1/d?user=a=b",
    "postgres://u@127.0.0.1:1/d?passwrod=x",
    "postgres://u@127.0.0.1:1/d?ssl=1",
    "postgres://u:p%@127.0.0.1:1/d",
    "postgres://u:p%4@127.0.0.1:1/d",
    "postgres://u:p%00@127.0.0.1:1/d",
    "postgres://u@[::1/d",
    "postgres://u@[]/d",
    "postgres://u@[::1]x/d",
    "postgres://u:p/x@127.0.0.1:1/d",
    "postgres://u@127.0.0.1:0/d",
    "postgres://u@127.0.0.1:99999/d",
    "postgres://u@127.0.0.1:x/d",
    "postgres://u@127.0.0.1:1/d?port=x",
    "postgres://u@127.0.0.1:1/d?hostaddr=localhost",
];

/// What `psql` accepts and the service cannot honour.
const NOT_HONOURED: [&str; 6] = [
    "postgres://u@127.0.0.1:1,127.0.0.1:2/d",
    "postgres://u@127.0.0.1:1/d?sslcrl=/x",
    "postgres://u@127.0.0.1:1/d?channel_binding=require",
    "postgres://u@127.0.0.1:1/d?sslrootcert=/x",
    "postgres://u@127.0.0.1:1/d?requirepeer=postgres",
    "postgres://u@127.0.0.1:1/d?ssl_min_protocol_version=TLSv1.3",
];

#[test]
fn database_urls_are_accepted_as_psql_accepts_them() {
    let table = ACCEPTED.map(|url| (url, true, true)).into_iter();
    let table = table.chain(REFUSED.map(|url| (url, false, false)));
    for (url, by_psql, here) in table.chain(NOT_HONOURED.map(|url| (url, true, false))) {
        let parsed = PostgresUrl::parse_with(url, |_| None);
        assert_eq!(parsed.is_ok(), here, "{url}: {parsed:?}");
        // A machine whose PostgreSQL runs elsewhere may lack psql.
        if let Some(accepted) = psql_accepts(url) {
            assert_eq!(accepted, by_psql, "{url}");
        }
    }
}
