//! An external server: databases are created there, and dropped when this process is gone.

use std::{
    fmt,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use crate::psql;

pub(crate) struct External {
    psql: PathBuf,
    url: String,
    cleaner: Mutex<Child>,
}

impl External {
    pub(crate) fn at(url: String, psql: PathBuf) -> Result<Self, String> {
        let cleaner = spawn_cleaner(&psql, &url).map_err(|error| format!("sh does not run: {error}"))?;
        Ok(Self { psql, url, cleaner: Mutex::new(cleaner) })
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn psql(&self) -> PathBuf {
        self.psql.clone()
    }

    /// Sends the name to the cleaner first, so that a database is never left behind.
    pub(crate) fn create_database(&self, name: &str) -> Result<(), String> {
        self.cleaner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stdin
            .as_mut()
            .map_or(Ok(()), |names| names.write_all(format!("{name}\n").as_bytes()))
            .map_err(|error| format!("the cleaner that drops the database {name} later is gone: {error}"))?;
        psql::run(&self.psql, &self.url, &format!("CREATE DATABASE {name} TEMPLATE template0")).map(drop)
    }
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").finish_non_exhaustive()
    }
}

impl Drop for External {
    fn drop(&mut self) {
        let _ = self.cleaner.get_mut().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

/// Outlives this process as the supervisor of a cluster does: by a pipe that the kernel closes, in a group of its own.
fn spawn_cleaner(psql: &Path, url: &str) -> std::io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", include_str!("cleaner.sh"), "test-postgres"])
        .arg(psql)
        .arg(url)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestPostgres;

    const TEST_DATABASES: &str = "SELECT count(*) FROM pg_database WHERE datname LIKE 'test%'";

    #[test]
    fn databases_on_an_external_server_are_dropped_even_in_use() {
        let server = TestPostgres::start();
        let external = External::at(server.url(), server.psql()).unwrap();
        for name in ["test_one", "test_two"] {
            external.create_database(name).unwrap();
        }
        assert_eq!(server.query(&server.url(), TEST_DATABASES).unwrap(), "2");
        let mut user = Command::new(server.psql())
            .args(["-X", "-q", "-w", "-d", &psql::with_database(&server.url(), "test_two")])
            .args(["-c", "SELECT pg_sleep(60)"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while server
            .query(&server.url(), "SELECT count(*) FROM pg_stat_activity WHERE datname = 'test_two'")
            .unwrap()
            == "0"
        {}

        drop(external);

        assert_eq!(server.query(&server.url(), TEST_DATABASES).unwrap(), "0");
        assert!(!user.wait().unwrap().success());
    }

    #[test]
    fn rejection_by_the_external_server_is_returned() {
        let server = TestPostgres::start();
        let external = External::at(server.url(), server.psql()).unwrap();

        external.create_database("test_one").unwrap();
        let refusal = external.create_database("test_one").unwrap_err();

        assert!(refusal.contains("already exists"), "{refusal}");
    }

    #[test]
    fn a_url_with_a_password_is_not_shown() {
        let server = TestPostgres::start();
        let external =
            External::at("postgres://user:hunter2@127.0.0.1/postgres".to_owned(), server.psql()).unwrap();

        assert!(!format!("{external:?}").contains("hunter2"));
    }
}
