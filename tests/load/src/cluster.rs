//! PostgreSQL as in earnest: what it acknowledges is on the disk.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, anyhow, ensure};
use test_postgres::TestPostgres;

use crate::bench::folder;

/// The cluster of this program, started when it is first asked for. Its data stays in the benchmark's
/// folder.
///
/// # Errors
/// When PostgreSQL is not installed or does not start; the message says what to do.
pub fn server() -> Result<&'static TestPostgres> {
    static SERVER: OnceLock<Result<TestPostgres, String>> = OnceLock::new();
    let started = SERVER.get_or_init(|| {
        TestPostgres::durable(&folder().map_err(|error| error.to_string())?.join("postgres"))
    });
    started.as_ref().map_err(|reason| anyhow!("{reason}"))
}

/// The URL of an empty database, unique in this run. The next run empties and reuses it.
///
/// # Errors
/// When the server refuses.
pub fn numbered() -> Result<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    fresh(&format!("numbered_{}", COUNT.fetch_add(1, Ordering::Relaxed)))
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
