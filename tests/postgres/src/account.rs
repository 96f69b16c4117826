//! PostgreSQL refuses to be root: which account it gets then, and which folder that account can reach.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A user and its group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// Accounts that serve in root's place, the first that exists.
const UNPRIVILEGED_ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// What a cluster may come to need: 66 MB to begin with, and 8 for each database.
const MIN_FREE_KIB: u64 = 4 * 1024 * 1024;

impl Account {
    /// Whether this process is root's, by the program that says so everywhere.
    pub(crate) fn is_root() -> bool {
        Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
    }

    /// Of the accounts in `/etc/passwd`, the one to use in root's place.
    pub(crate) fn unprivileged() -> Option<Self> {
        let accounts = fs::read_to_string("/etc/passwd").ok()?;
        UNPRIVILEGED_ACCOUNTS.iter().find_map(|name| Self::external(name, &accounts))
    }

    fn external(name: &str, accounts: &str) -> Option<Self> {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next() != Some(name) {
                return None;
            }
            Some(Self { user: fields.nth(1)?.parse().ok()?, group: fields.next()?.parse().ok()? })
        })
    }
}

/// Where throw-away data goes: to memory where there is plenty, else to the folder for temporary files. What is
/// `shared` with another account is a folder which that account can reach.
pub(crate) fn data_folder(shared: bool) -> PathBuf {
    let memory = Path::new("/dev/shm");
    if has_space(memory) && is_open_to_all(memory) {
        return memory.to_owned();
    }
    Some(env::temp_dir())
        .filter(|folder| !shared || is_open_to_all(folder))
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// A container's `/dev/shm` is often of 64 MB, which a cluster would fill in the middle of the tests.
fn has_space(folder: &Path) -> bool {
    let output = Command::new("df").arg("-Pk").arg(folder).stderr(Stdio::null()).output();
    output.is_ok_and(|output| {
        free_kib(&String::from_utf8_lossy(&output.stdout)).is_some_and(|kib| kib >= MIN_FREE_KIB)
    })
}

/// The fourth column of the last line, as POSIX fixes the output of `df -P`.
fn free_kib(report: &str) -> Option<u64> {
    report.lines().last()?.split_whitespace().nth(3)?.parse().ok()
}

/// The permission bits of a folder; 0 if they cannot be read.
fn mode(folder: &Path) -> u32 {
    fs::metadata(folder).map_or(0, |metadata| metadata.permissions().mode())
}

/// Whether every account may make files in a folder, as temporary folders allow.
fn is_open_to_all(folder: &Path) -> bool {
    mode(folder) & 0o003 == 0o003 && folder.ancestors().all(|above| mode(above) & 0o001 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/bash\n\
                            postgresql:x:7:8:another:/:/bin/sh\n\
                            nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n\
                            broken:x:not-a-number\n";

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        assert_eq!(Account::external("nobody", ACCOUNTS), Some(Account { user: 65534, group: 65533 }));
        assert_eq!(Account::external("postgres", ACCOUNTS), None);
        assert_eq!(Account::external("broken", ACCOUNTS), None);
    }

    #[test]
    fn free_space_is_read_from_the_last_line() {
        let report =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\ntmpfs 65536 12 65524 1% /dev/shm\n";
        assert_eq!(free_kib(report), Some(65524));
        assert_eq!(free_kib(""), None);
    }

    #[test]
    fn folder_inside_a_private_one_is_not_accessible_to_all() {
        let private = env::temp_dir().join(format!("test-postgres-{:016x}", crate::random()));
        let inner = private.join("inner");
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).unwrap();

        let open = is_open_to_all(&inner);
        fs::remove_dir_all(&private).unwrap();

        assert!(!open);
        assert!(is_open_to_all(Path::new("/tmp")));
    }
}
