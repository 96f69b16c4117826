//! What is SQLite's own: files, processes, and a database that is locked or away.
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

use stores::{World, assert_faults_name_no_value, assert_one_successor, assert_unavailable, migration_files};

/// A directory with room for one database.
struct Home(TempDir);

impl Home {
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

    /// A connection as another process would have.
    async fn stranger(&self) -> SqliteConnection {
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
async fn what_is_stored_outlives_a_restart() {
    let home = Home::new();
    let world = World::over(home.migrated().await, 1);
    let jane = world.register("jane").await;
    let first = world.log_in("jane").await;
    let second = world.refresh(&first).await.expect("refreshed");
    world.store.close().await;
    assert_unavailable(Duration::from_millis(100), world.find("jane")).await;

    let world = World::over(home.migrated().await, 2);
    assert_eq!(world.find("jane").await.expect("found"), Some(jane));
    assert_eq!(world.refresh(&first).await.expect("a retry"), second);
    world.refresh(&second).await.expect("refreshed");
}

#[tokio::test]
async fn migrations_are_planned_exactly_and_run_once() {
    let home = Home::new();
    let planned = migration_files("sqlite");
    assert_eq!(home.store().pending_migrations().await.expect("a plan"), planned);
    assert!(home.files().is_empty(), "planning makes no file: {:?}", home.files());

    let store = home.migrated().await;
    store.migrate().await.expect("migrated again");
    assert!(store.pending_migrations().await.expect("a plan").is_empty());
    store.check().await.expect("there");
    assert!(store.pending_migrations().await.expect("a plan while it is in use").is_empty());
    store.close().await;

    let before = home.files();
    assert!(home.store().pending_migrations().await.expect("a plan").is_empty());
    assert_eq!(home.files(), before, "planning leaves no file behind");
    assert_eq!(before, ["auth.db"]);
}

#[test]
fn both_stores_number_and_name_migrations_alike() {
    let mut postgres = migration_files("postgres");
    // SQLite serves one node, which counts attempts in memory.
    postgres.retain(|(_, name)| name != "attempts");
    assert_eq!(migration_files("sqlite"), postgres);
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_refused() {
    let home = Home::new();
    let store = home.migrated().await;
    let mut stranger = home.stranger().await;
    stranger
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
    let home = Home::new();
    let store = home.migrated().await;
    home.stranger()
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
    let home = Home::new();
    let starts = (0..8).map(|_| {
        let store = home.store();
        tokio::spawn(async move { store.migrate().await })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.expect("no panic").expect("migrated");
    }
    home.store().check().await.expect("there");
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    let world = World::over(home.migrated().await, 1);
    world.register("jane").await;
    assert_eq!(home.files(), ["auth.db", "auth.db-shm", "auth.db-wal"]);
    for file in home.files() {
        let mode = fs::metadata(home.0.path().join(&file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    let home = Home::new();
    let world = World::over(home.store(), 1);
    assert_unavailable(Duration::from_secs(1), world.find("jane")).await;
    assert_unavailable(Duration::from_secs(1), world.store.check()).await;
    assert!(home.files().is_empty(), "looking makes no file: {:?}", home.files());

    fs::write(home.path(), "").expect("a file without a schema");
    assert_unavailable(Duration::from_secs(1), world.find("jane")).await;
    assert_unavailable(Duration::from_secs(1), world.store.check()).await;

    world.store.migrate().await.expect("migrated");
    world.store.check().await.expect("there");
    world.register("jane").await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let home = Home::new();
    fs::write(home.path(), "not a database, but longer than the header of one: ".repeat(40)).expect("a file");
    let world = World::over(home.store(), 1);
    let answer = world.find("jane").await;
    assert!(matches!(answer, Err(PortError::Corrupt(_))), "{answer:?}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
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
async fn a_writer_waits_for_another_process_but_not_for_ever() {
    let home = Home::new();
    let world = World::over(home.migrated().await, 1);
    world.register("jane").await;
    let mut stranger = home.stranger().await;

    stranger.execute("BEGIN IMMEDIATE").await.expect("begun");
    let (registered, ()) = tokio::join!(world.register("june"), async {
        sleep(Duration::from_millis(500)).await;
        stranger.execute("COMMIT").await.expect("committed");
    });
    assert_eq!(world.find("june").await.expect("found"), Some(registered));

    stranger.execute("BEGIN IMMEDIATE").await.expect("begun");
    assert!(world.find("jane").await.expect("readers wait for nobody").is_some());
    let jane = world.find("jane").await.expect("found").expect("jane").id;
    let delete = async || world.store.users().delete(jane).await;
    assert_unavailable(Duration::from_millis(2_200), world.store.check()).await;
    let late = Duration::from_millis(3_300);
    tokio::join!(
        assert_unavailable(late, delete()),
        assert_unavailable(late, delete()),
        assert_unavailable(late, delete())
    );
    stranger.execute("ROLLBACK").await.expect("rolled back");

    world.store.check().await.expect("there again");
    assert!(
        world.find("jane").await.expect("found").is_some(),
        "what was answered by an error changed nothing"
    );
    assert!(delete().await.expect("deleted"));
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_no_transaction_behind() {
    let home = Home::new();
    let world = World::over(home.migrated().await, 1);
    let jane = world.register("jane").await;
    let mut stranger = home.stranger().await;
    for patience in [0, 1, 5, 50] {
        stranger.execute("BEGIN IMMEDIATE").await.expect("begun");
        let gone = timeout(Duration::from_millis(patience), world.store.users().delete(jane.id)).await;
        assert!(gone.is_err(), "the other process has the lock");
        stranger.execute("ROLLBACK").await.expect("rolled back");
        world.store.check().await.expect("the writer is free again");
    }
    assert!(world.find("jane").await.expect("found").is_some());
    // As long as the other process finds the database unlocked, too.
    stranger.execute("BEGIN IMMEDIATE").await.expect("begun");
    stranger.execute("ROLLBACK").await.expect("rolled back");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_give_one_token_one_successor() {
    let home = Home::new();
    let (one, other) = (World::over(home.migrated().await, 1), World::over(home.migrated().await, 2));
    one.register("jane").await;
    assert_one_successor(&[&one, &other], "jane").await;
}

#[tokio::test]
async fn a_fault_names_no_value() {
    let home = Home::new();
    assert_faults_name_no_value(&World::over(home.migrated().await, 1)).await;
}
