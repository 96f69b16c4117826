//! PostgreSQL as in earnest: what it acknowledges is on the disk.

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use e2e::World;
use test_postgres::TestPostgres;

use crate::bench::Store;

/// The cluster of this program, started when it is first asked for. Its data stays below `target`.
///
/// # Errors
/// When PostgreSQL is not installed or does not start; the message says what to do.
pub fn server() -> Result<&'static TestPostgres> {
    static SERVER: OnceLock<Result<TestPostgres, String>> = OnceLock::new();
    let started = SERVER.get_or_init(|| TestPostgres::durable(&folder().join("postgres")));
    started.as_ref().map_err(|reason| anyhow!("{reason}"))
}

/// The folder of what is kept from run to run: `load` in Cargo's folder, which is on a disk.
#[must_use]
pub fn folder() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    // Programs are in target/<profile>, tests in target/<profile>/deps.
    let below = if program.parent().is_some_and(|folder| folder.ends_with("deps")) { 3 } else { 2 };
    program.ancestors().nth(below).map_or_else(env::temp_dir, PathBuf::from).join("load")
}

/// A place for the data of servers, on this store; an empty database of this name where it is PostgreSQL.
///
/// # Errors
/// When it cannot be made.
pub fn world(store: Store, name: &str) -> Result<World> {
    Ok(match store {
        Store::Sqlite => store.world(),
        Store::Postgres => World::at(fresh(name)?),
    })
}

/// The URL of an empty database of this name, whatever was in it.
///
/// # Errors
/// When the server refuses.
pub fn fresh(name: &str) -> Result<String> {
    let server = server()?;
    run(&server.url(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
    run(&server.url(), &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
    Ok(server.database_url(name))
}

/// Runs SQL; the rows, one a line, columns divided by `|`.
///
/// # Errors
/// When the server refuses.
pub fn run(url: &str, sql: &str) -> Result<String> {
    server()?.query(url, sql).map_err(|refusal| anyhow!("{refusal}\n{sql}"))
}

/// A program that is installed with the server, such as `pgbench`.
///
/// # Errors
/// When it is not.
pub fn program(name: &str) -> Result<PathBuf> {
    let program = server()?.program(name).context("a cluster of this program's own")?;
    ensure!(program.is_file(), "{} is not installed: it comes with PostgreSQL's server", program.display());
    Ok(program)
}
