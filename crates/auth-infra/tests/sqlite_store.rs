//! Tests that only SQLite needs: files, processes, and a database that is locked or missing.
#![cfg(feature = "sqlite")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod stores;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_domain::ports::PortError;
use auth_infra::sqlite::{SqliteSettings, SqliteStore};
use auth_infra::store::StoreError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use stores::{
    TestApp, assert_error_names_no_value, assert_one_successor, assert_unavailable, migration_files,
};

/// A directory for one database.
struct TestDirectory(TempDir);

impl TestDirectory {
    fn new() -> Self {
        Self(TempDir::new().expect("a directory"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("auth.db")
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::connect(&SqliteSettings::new(self.path())).expect("a store")
    }

    async fn migrated(&self) -> SqliteStore {
        let store = self.store();
        store.migrate().await.expect("migrated");
        store
    }

    /// Opens a connection as another process would.
    async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path());
        SqliteConnection::connect_with(&options).await.expect("a connection")
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.path()).expect("a directory");
        let mut names: Vec<_> =
            files.map(|file| file.expect("a file").file_name().into_string().expect("a name")).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn stored_data_survives_a_restart() {
    let directory = TestDirectory::new();
    let app = TestApp::new(directory.migrated().await, 1);
    let jane = app.register("jane").await;
    let first = app.log_in("jane").await;
    let second = app.refresh(&first).await.expect("refreshed");
    app.store.close().await;
    assert_unavailable(Duration::from_millis(100), app.find("jane")).await;

    let app = TestApp::new(directory.migrated().await, 2);
    assert_eq!(app.find("jane").await.expect("found"), Some(jane));
    assert_eq!(app.refresh(&first).await.expect("a retry"), second);
    app.refresh(&second).await.expect("refreshed");
}

#[tokio::test]
async fn migrations_are_planned_exactly_and_run_once() {
    let directory = TestDirectory::new();
    let planned = migration_files("sqlite");
    assert_eq!(directory.store().pending_migrations().await.expect("a plan"), planned);
    assert!(directory.files().is_empty(), "planning created a file: {:?}", directory.files());

    let store = directory.migrated().await;
    store.migrate().await.expect("migrated again");
    assert!(store.pending_migrations().await.expect("a plan").is_empty());
    store.check().await.expect("available");
    assert!(store.pending_migrations().await.expect("a plan while the database is in use").is_empty());
    store.close().await;

    let before = directory.files();
    assert!(directory.store().pending_migrations().await.expect("a plan").is_empty());
    assert_eq!(directory.files(), before, "planning changed the files");
    assert_eq!(before, ["auth.db"]);
}

#[test]
fn both_stores_number_and_name_migrations_alike() {
    let mut postgres = migration_files("postgres");
    // SQLite serves one node, which counts attempts in memory and has no other node to compare its keys with.
    postgres.retain(|(_, name)| !matches!(name.as_str(), "attempts" | "nodes"));
    assert_eq!(migration_files("sqlite"), postgres);
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_refused() {
    let directory = TestDirectory::new();
    let store = directory.migrated().await;
    let mut other_process = directory.connect().await;
    other_process
        .execute("INSERT INTO _sqlx_migrations VALUES (99, 'later', CURRENT_TIMESTAMP, true, x'00', 0)")
        .await
        .expect("inserted");
    let known = migration_files("sqlite").last().expect("a migration").0;
    for error in
        [store.migrate().await.expect_err("newer"), store.pending_migrations().await.expect_err("newer")]
    {
        assert!(
            matches!(error, StoreError::Newer { found: 99, known: newest } if newest == known),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    let directory = TestDirectory::new();
    let store = directory.migrated().await;
    directory
        .connect()
        .await
        .execute("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2")
        .await
        .expect("updated");
    for error in
        [store.migrate().await.expect_err("foreign"), store.pending_migrations().await.expect_err("foreign")]
    {
        assert!(matches!(error, StoreError::Foreign(2)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_migrate_once() {
    let directory = TestDirectory::new();
    let starts = (0..8).map(|_| {
        let store = directory.store();
        tokio::spawn(async move { store.migrate().await })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.expect("no panic").expect("migrated");
    }
    directory.store().check().await.expect("available");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_access_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let directory = TestDirectory::new();
    let app = TestApp::new(directory.migrated().await, 1);
    app.register("jane").await;
    assert_eq!(directory.files(), ["auth.db", "auth.db-shm", "auth.db-wal"]);
    for file in directory.files() {
        let mode = fs::metadata(directory.0.path().join(&file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_missing_database_is_unavailable() {
    let directory = TestDirectory::new();
    let app = TestApp::new(directory.store(), 1);
    assert_unavailable(Duration::from_secs(1), app.find("jane")).await;
    assert_unavailable(Duration::from_secs(1), app.store.check()).await;
    assert!(directory.files().is_empty(), "a read created a file: {:?}", directory.files());

    fs::write(directory.path(), "").expect("a file without a schema");
    assert_unavailable(Duration::from_secs(1), app.find("jane")).await;
    assert_unavailable(Duration::from_secs(1), app.store.check()).await;

    app.store.migrate().await.expect("migrated");
    app.store.check().await.expect("available");
    app.register("jane").await;
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_corrupt() {
    let directory = TestDirectory::new();
    fs::write(directory.path(), "not a database, but longer than the header of one: ".repeat(40))
        .expect("a file");
    let app = TestApp::new(directory.store(), 1);
    let answer = app.find("jane").await;
    assert!(matches!(answer, Err(PortError::Corrupt(_))), "{answer:?}");
}

#[tokio::test]
async fn the_error_names_a_missing_directory() {
    let store = SqliteStore::connect(&SqliteSettings::new("/nowhere/auth.db")).expect("a store");
    let error = store.migrate().await.expect_err("no directory");
    let StoreError::Port(PortError::Unavailable(cause)) = error else { panic!("{error}") };
    assert!(cause.to_string().contains("/nowhere/auth.db"), "{cause}");
    for path in [Path::new(""), Path::new(":memory:"), Path::new("file:auth.db"), Path::new("a\0b")] {
        let refused = SqliteStore::connect(&SqliteSettings::new(path));
        assert!(matches!(refused, Err(StoreError::Settings(_))), "{}", path.display());
    }
}

#[tokio::test]
async fn a_writer_waits_a_limited_time_for_another_process() {
    let directory = TestDirectory::new();
    let app = TestApp::new(directory.migrated().await, 1);
    app.register("jane").await;
    let mut other_process = directory.connect().await;

    other_process.execute("BEGIN IMMEDIATE").await.expect("begun");
    let (registered, ()) = tokio::join!(app.register("june"), async {
        sleep(Duration::from_millis(500)).await;
        other_process.execute("COMMIT").await.expect("committed");
    });
    assert_eq!(app.find("june").await.expect("found"), Some(registered));

    other_process.execute("BEGIN IMMEDIATE").await.expect("begun");
    assert!(app.find("jane").await.expect("reads do not wait for the lock").is_some());
    let jane = app.find("jane").await.expect("found").expect("jane").id;
    let users = app.store.users();
    assert_unavailable(Duration::from_millis(2_200), app.store.check()).await;
    let late = Duration::from_millis(3_300);
    tokio::join!(
        assert_unavailable(late, users.delete(jane)),
        assert_unavailable(late, users.delete(jane)),
        assert_unavailable(late, users.delete(jane))
    );
    other_process.execute("ROLLBACK").await.expect("rolled back");

    app.store.check().await.expect("available again");
    assert!(app.find("jane").await.expect("found").is_some(), "a failed call has taken effect");
    assert!(users.delete(jane).await.expect("deleted"));
}

#[tokio::test]
async fn a_cancelled_call_leaves_no_open_transaction() {
    let directory = TestDirectory::new();
    let app = TestApp::new(directory.migrated().await, 1);
    let jane = app.register("jane").await;
    let mut other_process = directory.connect().await;
    for delay in [0, 1, 5, 50] {
        other_process.execute("BEGIN IMMEDIATE").await.expect("begun");
        let gone = timeout(Duration::from_millis(delay), app.store.users().delete(jane.id)).await;
        assert!(gone.is_err(), "the call ended although the other process has the lock");
        other_process.execute("ROLLBACK").await.expect("rolled back");
        app.store.check().await.expect("the writer is free again");
    }
    assert!(app.find("jane").await.expect("found").is_some());
    // The database must be unlocked for the other process too.
    other_process.execute("BEGIN IMMEDIATE").await.expect("begun");
    other_process.execute("ROLLBACK").await.expect("rolled back");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_issue_one_successor() {
    let directory = TestDirectory::new();
    let (one, other) =
        (TestApp::new(directory.migrated().await, 1), TestApp::new(directory.migrated().await, 2));
    one.register("jane").await;
    assert_one_successor(&[&one, &other], "jane").await;
}

#[tokio::test]
async fn an_error_names_no_value() {
    let directory = TestDirectory::new();
    assert_error_names_no_value(&TestApp::new(directory.migrated().await, 1)).await;
}
