//! A purge looks at what is over, and not at what lives, however much of that there is.
#![cfg(all(feature = "postgres", feature = "system"))]
#![expect(clippy::expect_used, reason = "what surprises a test fails it")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{Clock as _, SessionRepository as _};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use auth_infra::system::SystemClock;
use test_postgres::TestPostgres;

/// Twenty thousand sessions that began three weeks ago, of which one has not been refreshed since.
const SESSIONS: &str = "
    INSERT INTO accounts (id, username, roles, password_hash, created_at)
    VALUES (gen_random_uuid(), 'user', 'customer', '', now());
    INSERT INTO sessions (id, account_id, client_id, created_at, last_refreshed_at, expires_at)
    SELECT gen_random_uuid(), accounts.id, 'client', now() - interval '21 days',
        CASE WHEN n = 1 THEN now() - interval '21 days' ELSE now() END, now() + interval '9 days'
    FROM accounts, generate_series(1, 20000) AS n;
    ANALYZE sessions";

const SCANS: &str = "SELECT seq_scan, n_tup_del FROM pg_stat_user_tables WHERE relname = 'sessions'";

#[tokio::test]
async fn a_purge_reads_no_table_from_end_to_end_for_the_sake_of_one_session() {
    let postgres = TestPostgres::shared();
    let url = postgres.create_database();
    let store = PostgresStore::connect(&PostgresSettings::new(url.clone())).expect("a store");
    store.migrate().await.expect("migrated");
    postgres.query(&url, SESSIONS).expect("sessions");
    // What the insertion scanned has been told when this connection is gone.
    let (scans_before, _) = statistics(postgres, &url, 0);

    let purged = store.purge(SystemClock.now(), &SessionPolicy::default(), 500).await.expect("purged");

    assert_eq!(purged, 1, "the session that was idle, which has no credentials");
    store.close().await;
    let (scans, _) = statistics(postgres, &url, 1);
    assert_eq!(scans, scans_before, "the table of sessions was read from end to end");
}

/// How often the table was read from end to end, as soon as so many deletions are known of.
fn statistics(postgres: &TestPostgres, url: &str, deleted: u64) -> (u64, u64) {
    let begun = Instant::now();
    loop {
        let row = postgres.query(url, SCANS).expect("statistics");
        let mut numbers = row.split('|').map(|number| number.parse().expect("a number"));
        let (scans, deletions) = (numbers.next().expect("scans"), numbers.next().expect("deletions"));
        if deletions >= deleted {
            return (scans, deletions);
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{deletions} deletions");
        sleep(Duration::from_millis(50));
    }
}
