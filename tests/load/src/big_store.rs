//! Stores with a given number of users, kept from run to run: filling the big one takes minutes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use e2e::{TestData, TestServer};

use crate::bench::{folder, say};
use crate::cluster;
use crate::sessions::{self, CHEAP_LOG_INS};

/// Fills an empty store. The first lines of the script list its parameters.
const FILL: &str = include_str!("../sql/fill.sql");

/// What has to be free on the disk for each user that is to be stored: twice what a user takes, for sorting.
const DISK_BYTES_PER_USER: u64 = 1_500;
/// What has to be free beyond that, in bytes.
const SPARE_DISK_BYTES: u64 = 2 << 30;

/// A filled store. The users have numbers from 1 in their names.
#[derive(Debug)]
pub struct BigStore {
    /// The URL of its database.
    pub url: String,
    /// How many users it holds.
    pub users: u64,
    /// How large it is, in bytes.
    pub bytes: u64,
}

impl BigStore {
    /// Returns a store with this number of users. A store of an earlier run is used again if it was filled in the same way.
    ///
    /// # Errors
    /// If the disk has no space for it, or if the server reports an error.
    pub fn of(users: u64) -> Result<Self> {
        let name = format!("users_{users}");
        let url = cluster::server()?.database_url(&name);
        let mark = mark(users);
        let marked = cluster::run(
            &cluster::server()?.url(),
            &format!(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{name}'"
            ),
        )?;
        if marked == mark {
            // There may be migrations that it has not stats.
            e2e::run(&TestData::at(url.clone()), &["migrate"], "");
        } else {
            fill(&name, users)?;
            let comment = format!("COMMENT ON DATABASE {name} IS '{mark}'");
            cluster::run(&cluster::server()?.url(), &comment)?;
        }
        let bytes = cluster::run(&url, "SELECT pg_database_size(current_database())")?.parse()?;
        Ok(Self { url, users, bytes })
    }

    /// The username of a user who has one.
    #[must_use]
    pub fn username(&self, number: u64) -> String {
        format!("User_{}", self.nearest(number))
    }

    /// The e-mail address of the same user.
    #[must_use]
    pub fn email(&self, number: u64) -> String {
        let number = self.nearest(number);
        format!("first.last.{number}@mail-{}.example.com", number % 97)
    }

    /// A user whose number ends in 1 has both a username and an address.
    fn nearest(&self, number: u64) -> u64 {
        number % self.users / 10 * 10 + 1
    }
}

/// What a store is filled by: it changes when the script does.
fn mark(users: u64) -> String {
    let mut hasher = DefaultHasher::new();
    (FILL, users, sessions::PASSWORD).hash(&mut hasher);
    format!("filled by {:016x}", hasher.finish())
}

fn fill(name: &str, users: u64) -> Result<()> {
    let needed = SPARE_DISK_BYTES + users * DISK_BYTES_PER_USER;
    let free = free_bytes()?;
    ensure!(free >= needed, "{} MiB are free on the disk, {} MiB are needed", free >> 20, needed >> 20);
    say(format_args!("  filling a store of {users} users"));
    let begun = Instant::now();
    let url = cluster::fresh(name)?;
    let hash = password_hash(&url)?;
    let mut psql = Command::new(cluster::program("psql")?)
        .args([
            "-X",
            "-q",
            "-w",
            "-v",
            &format!("accounts={users}"),
            "-v",
            &format!("sessions={}", users / 5),
        ])
        .args(["-v", &format!("hash={hash}"), "-d", &url, "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    psql.stdin.take().context("its input")?.write_all(FILL.as_bytes())?;
    ensure!(psql.wait()?.success(), "the store could not be filled");
    say(format_args!("  filled in {} s", begun.elapsed().as_secs()));
    Ok(())
}

/// Has the service make the schema, and a hash of the password that all users will have.
fn password_hash(url: &str) -> Result<String> {
    let server = TestServer::start_with(&TestData::at(url.to_owned()), &CHEAP_LOG_INS);
    sessions::register(&server.client(), 1)?;
    cluster::run(url, "SELECT password_hash FROM accounts")
}

fn free_bytes() -> Result<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder()?).output()?;
    Ok(free_kib(&String::from_utf8_lossy(&output.stdout)).context("what df says")? * 1024)
}

/// The fourth column of the last line, as POSIX fixes the output of `df -P`.
fn free_kib(report: &str) -> Option<u64> {
    report.lines().last()?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_maps_to_a_user_with_both_names() {
        let store = BigStore { url: String::new(), users: 100, bytes: 0 };
        for number in [0, 1, 57, 99, 100, u64::MAX] {
            let username = store.username(number);
            let number: u64 = username.trim_start_matches("User_").parse().expect("a number");
            assert!((1..=100).contains(&number) && number % 10 == 1, "{username}");
        }
        assert_eq!(store.email(57), "first.last.51@mail-51.example.com");
    }

    #[test]
    fn free_space_is_read_from_the_last_line() {
        let report =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 65536 12 65524 1% /\n";
        assert_eq!(free_kib(report), Some(65_524));
        assert_eq!(free_kib("df: no such folder"), None);
    }

    #[test]
    fn mark_depends_on_the_number_of_users() {
        assert_eq!(mark(10), mark(10));
        assert_ne!(mark(10), mark(11));
    }
}
