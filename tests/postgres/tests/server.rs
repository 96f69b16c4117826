//! What a test can do with a server.
#![expect(clippy::unwrap_used, reason = "what surprises a test fails it")]

use std::{
    collections::HashSet,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use test_postgres::TestPostgres;

#[test]
fn every_database_is_empty_and_separate() {
    let postgres = TestPostgres::shared();
    let one = postgres.create_database();
    let other = postgres.create_database();

    postgres.query(&one, "CREATE TABLE users (name text)").unwrap();

    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(postgres.query(&one, tables).unwrap(), "1");
    assert_eq!(postgres.query(&other, tables).unwrap(), "0");
}

#[test]
fn databases_can_be_created_concurrently() {
    let urls: HashSet<_> = thread::scope(|scope| {
        let makers: Vec<_> =
            (0..16).map(|_| scope.spawn(|| TestPostgres::shared().create_database())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });

    assert_eq!(urls.len(), 16);
    for url in urls {
        assert!(url.starts_with("postgres://"), "{url}");
        assert_eq!(TestPostgres::shared().query(&url, "SELECT 1").unwrap(), "1");
    }
}

#[test]
fn text_is_utf_8() {
    let postgres = TestPostgres::shared();

    assert_eq!(postgres.query(&postgres.create_database(), "SHOW server_encoding").unwrap(), "UTF8");
}

#[test]
fn rejected_query_is_an_error() {
    let postgres = TestPostgres::shared();

    let refusal = postgres.query(&postgres.url(), "SELECT 1 / 0").unwrap_err();

    assert!(refusal.contains("division by zero"), "{refusal}");
}

#[test]
fn restarted_server_still_has_what_was_committed() {
    let postgres = TestPostgres::start();
    let url = postgres.create_database();
    postgres.query(&url, "CREATE TABLE users AS SELECT 'ada' AS name").unwrap();

    postgres.stop();
    assert_eq!(TcpStream::connect(address(&url)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    postgres.query(&url, "SELECT 1").unwrap_err();

    postgres.restart();
    assert_eq!(postgres.query(&url, "SELECT name FROM users").unwrap(), "ada");
}

#[test]
fn a_server_can_be_stopped_twice_and_restarted_while_it_runs() {
    let postgres = TestPostgres::start();

    postgres.restart();
    postgres.stop();
    postgres.stop();
    postgres.restart();

    assert_eq!(postgres.query(&postgres.url(), "SELECT 1").unwrap(), "1");
}

#[test]
fn stopping_cuts_the_connections_in_use() {
    let postgres = TestPostgres::start();
    thread::scope(|scope| {
        let user = scope.spawn(|| postgres.query(&postgres.url(), "SELECT pg_sleep(60)"));
        wait_for("the query to run", || {
            let running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
            postgres.query(&postgres.url(), running).unwrap() == "1"
        });

        postgres.stop();

        user.join().unwrap().unwrap_err();
    });
}

#[test]
fn paused_server_accepts_but_does_not_answer() {
    let postgres = TestPostgres::start();
    let url = postgres.create_database();

    postgres.pause();
    let mut connection = TcpStream::connect(address(&url)).unwrap();
    connection.write_all(&ASK_FOR_TLS).unwrap();
    connection.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let silence = connection.read_exact(&mut [0]).unwrap_err().kind();
    assert!(matches!(silence, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silence}");

    postgres.resume();
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    connection.read_exact(&mut [0]).unwrap();
    assert_eq!(postgres.query(&url, "SELECT 1").unwrap(), "1");
}

/// The first eight bytes that a client may send: `SSLRequest`, answered with a single one.
const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

#[test]
fn pausing_freezes_open_connections() {
    let postgres = TestPostgres::start();
    postgres.query(&postgres.url(), "CREATE TABLE ticks (at timestamptz)").unwrap();
    let tick = "DO $$ BEGIN FOR i IN 1..3000 LOOP INSERT INTO ticks VALUES (clock_timestamp()); COMMIT; \
                PERFORM pg_sleep(0.01); END LOOP; END $$";
    thread::scope(|scope| {
        scope.spawn(|| postgres.query(&postgres.url(), tick));
        let count =
            || postgres.query(&postgres.url(), "SELECT count(*) FROM ticks").unwrap().parse::<u32>().unwrap();
        wait_for("the first tick", || count() > 0);

        postgres.pause();
        thread::sleep(Duration::from_millis(500));
        postgres.resume();

        let gap = "SELECT max(gap) >= interval '0.4 s' FROM (SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM ticks) AS gaps";
        wait_for("a tick after the gap", || postgres.query(&postgres.url(), gap).unwrap() == "t");
        postgres.stop();
    });
}

#[test]
fn paused_server_can_be_stopped() {
    let postgres = TestPostgres::start();

    postgres.pause();
    postgres.stop();
    postgres.restart();

    assert_eq!(postgres.query(&postgres.url(), "SELECT 1").unwrap(), "1");
}

#[test]
fn dropping_a_paused_server_removes_it() {
    let postgres = TestPostgres::start();
    let url = postgres.url();
    let data = postgres.query(&url, "SHOW data_directory").unwrap();

    postgres.pause();
    drop(postgres);

    assert_eq!(TcpStream::connect(address(&url)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(!Path::new(&data).parent().unwrap().exists());
}

#[test]
#[should_panic(expected = "use TestPostgres::start()")]
fn shared_server_cannot_be_stopped() {
    TestPostgres::shared().stop();
}

fn address(url: &str) -> &str {
    url.split(['@', '/']).nth(3).unwrap()
}

fn wait_for(event: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for {event}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn durable_cluster_flushes_commits_and_keeps_its_data() {
    let folder = std::env::temp_dir().join(format!("test-postgres-durable-{}", std::process::id()));

    let first = TestPostgres::durable(&folder).unwrap();
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(first.query(&first.url(), &format!("SHOW {setting}")).unwrap(), "on", "{setting}");
    }
    first.query(&first.url(), "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('here')").unwrap();
    assert!(TestPostgres::durable(&folder).is_err(), "two servers on the same data");
    drop(first);
    let second = TestPostgres::durable(&folder).unwrap();
    assert_eq!(second.query(&second.url(), "SELECT word FROM kept").unwrap(), "here");
    assert!(second.program("psql").is_some_and(|program| program.is_file()));
    assert!(!std::fs::read_to_string(second.log_file().unwrap()).unwrap().contains("not properly shut down"));

    drop(second);
    std::fs::remove_dir_all(&folder).unwrap();
}
