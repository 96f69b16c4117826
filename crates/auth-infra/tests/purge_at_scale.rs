//! Tests that a purge reads only sessions that are over, whatever the number of live sessions.
#![cfg(all(feature = "postgres", feature = "system"))]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{Clock as _, SessionRepository as _};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use auth_infra::system::SystemClock;
use test_postgres::TestPostgres;

/// Inserts 20,000 sessions that started three weeks ago. One of them has not been refreshed since.
const SESSIONS: &str = "
    INSERT INTO accounts (id, username, roles, password_hash, created_at)
    VALUES (gen_random_uuid(), 'user', 'customer', '', now());
    INSERT INTO sessions
        (id, account_id, client_id, token_family, credential, created_at, last_refreshed_at, expires_at)
    SELECT gen_random_uuid(), accounts.id, 'client', sha256(n::text::bytea), sha256(''), now() - interval '21 days',
        CASE WHEN n = 1 THEN now() - interval '21 days' ELSE now() END, now() + interval '9 days'
    FROM accounts, generate_series(1, 20000) AS n;
    ANALYZE sessions";

const SCANS: &str = "SELECT seq_scan, n_tup_del FROM pg_stat_user_tables WHERE relname = 'sessions'";

#[tokio::test]
async fn a_purge_does_not_scan_the_sessions_table() {
    let postgres = TestPostgres::shared();
    let url = postgres.create_database();
    let store = PostgresStore::connect(&PostgresSettings::new(url.clone())).expect("a store");
    store.migrate().await.expect("migrated");
    postgres.query(&url, SESSIONS).expect("sessions");
    // The connection of the insertion has closed, so its scans are in the statistics.
    let (scans_before, _) = statistics(postgres, &url, 0);

    let purged = store.purge(SystemClock.now(), &SessionPolicy::default(), 500).await.expect("purged");

    assert_eq!(purged, 1, "only the idle session");
    store.close().await;
    let (scans, _) = statistics(postgres, &url, 1);
    assert_eq!(scans, scans_before, "the purge scanned the sessions table");
}

/// The numbers of sequential scans and of deletions, as soon as the statistics contain `deleted` deletions.
fn statistics(postgres: &TestPostgres, url: &str, deleted: u64) -> (u64, u64) {
    let started = Instant::now();
    loop {
        let row = postgres.query(url, SCANS).expect("statistics");
        let mut numbers = row.split('|').map(|number| number.parse().expect("a number"));
        let (scans, deletions) = (numbers.next().expect("scans"), numbers.next().expect("deletions"));
        if deletions >= deleted {
            return (scans, deletions);
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{deletions} deletions");
        sleep(Duration::from_millis(50));
    }
}
