//! The rule of OpenSSH's `StrictModes` for the files of the service.
//!
//! A file or directory belongs to the account of the service or to root, and neither its group nor others can write to it.
//! The same holds for every directory above it, and for those of symbolic links on the way to it
//! (`auth_secure_path` and `safe_path` of OpenSSH). There are two differences:
//!
//! - A directory above with the sticky bit, such as `/tmp`, may be writable. Only the owner of an entry can replace it, and
//!   this owner is checked.
//! - A directory above may be writable by the group that only the service's own account is a member of. Distributions that
//!   give each account such a group create directories with this mode, and adapt OpenSSH in the same way.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

/// The maximum number of symbolic links on a path, as on Linux.
const MAX_LINKS: usize = 40;
const ROOT: u32 = 0;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Another user of this machine may alter a file of the service. The message is one line with the command that repairs it.
#[derive(Debug, Error)]
pub enum UnsafePath {
    #[error(
        "{} belongs to user {owner} (mode {mode:04o}), but this process runs as user {user}: run it as user {owner}, or run \
         chown {user} {}",
        path.display(), path.display()
    )]
    Owner { path: PathBuf, owner: u32, mode: u32, user: u32 },
    #[error(
        "{} (of user {owner}, mode {mode:04o}) can be written by {}: run chmod {} {}",
        path.display(), writers(*mode), repair(*mode), path.display()
    )]
    Writable { path: PathBuf, owner: u32, mode: u32 },
    #[error("cannot look at {}: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
}

/// The rule for the files of one account.
#[derive(Clone, Copy, Debug)]
pub struct StrictModes {
    user: u32,
}

impl StrictModes {
    /// The rule for the account of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of_user(rustix::process::geteuid().as_raw())
    }

    /// The rule for the account with this number.
    #[must_use]
    pub fn of_user(user: u32) -> Self {
        Self { user }
    }

    /// Checks a file or a directory, and everything on the way to it.
    ///
    /// # Errors
    /// If another account may alter it, or if it cannot be looked at.
    pub fn check(&self, path: &Path) -> Result<(), UnsafePath> {
        let failed = |path: &Path, cause| UnsafePath::Io { path: path.to_owned(), cause };
        let absolute = std::path::absolute(path).map_err(|cause| failed(path, cause))?;
        let mut rest = reversed(&absolute);
        let mut current = PathBuf::from("/");
        let mut links = 0;
        while let Some(component) = rest.pop() {
            if component == ".." {
                // `current` contains no link.
                current.pop();
                continue;
            }
            let next = current.join(&component);
            let metadata = fs::symlink_metadata(&next).map_err(|cause| failed(&next, cause))?;
            if metadata.is_symlink() {
                self.check_owner(&next, &metadata)?;
                links += 1;
                if links > MAX_LINKS {
                    return Err(failed(path, io::Error::other("too many levels of symbolic links")));
                }
                let target = fs::read_link(&next).map_err(|cause| failed(&next, cause))?;
                if target.is_absolute() {
                    current = PathBuf::from("/");
                }
                rest.append(&mut reversed(&target));
                continue;
            }
            self.check_entry(&next, &metadata, !rest.is_empty())?;
            current = next;
        }
        Ok(())
    }

    fn check_owner(self, path: &Path, metadata: &Metadata) -> Result<(), UnsafePath> {
        let owner = metadata.uid();
        if owner == ROOT || owner == self.user {
            return Ok(());
        }
        Err(UnsafePath::Owner { path: path.to_owned(), owner, mode: permissions(metadata), user: self.user })
    }

    fn check_entry(self, path: &Path, metadata: &Metadata, is_above: bool) -> Result<(), UnsafePath> {
        self.check_owner(path, metadata)?;
        let mode = permissions(metadata);
        let is_safe = match mode & (GROUP_WRITES | OTHERS_WRITE) {
            0 => true,
            _ if !is_above => false,
            _ if mode & STICKY != 0 => true,
            GROUP_WRITES => self.is_own_group(metadata.gid()),
            _ => false,
        };
        if is_safe {
            return Ok(());
        }
        Err(UnsafePath::Writable { path: path.to_owned(), owner: metadata.uid(), mode })
    }

    /// Whether only the account of the service is a member of a group. Accounts outside these files are unknown, so the
    /// group of such an account is never its own.
    fn is_own_group(self, group: u32) -> bool {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        is_own_group(self.user, group, &read("/etc/passwd"), &read("/etc/group"))
    }
}

/// The components of a path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    let mut names: Vec<_> = names.collect();
    names.reverse();
    names
}

/// Whether `user` is the only member of `group`, by the content of `/etc/passwd` and `/etc/group`.
fn is_own_group(user: u32, group: u32, accounts: &str, groups: &str) -> bool {
    let fields = |line: &'_ str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let has_number =
        |field: Option<&String>, number: u32| field.is_some_and(|field| *field == number.to_string());
    let primary: Vec<_> =
        accounts.lines().map(fields).filter(|account| has_number(account.get(3), group)).collect();
    let names: HashSet<_> = primary.iter().filter_map(|account| account.first()).collect();
    let members = groups.lines().map(fields).find(|found| has_number(found.get(2), group));
    let Some(members) = members.and_then(|found| found.get(3).cloned()) else { return false };
    !primary.is_empty()
        && primary.iter().all(|account| has_number(account.get(2), user))
        && members.split(',').filter(|name| !name.is_empty()).all(|name| names.contains(&name.to_owned()))
}

fn permissions(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

fn writers(mode: u32) -> &'static str {
    if mode & OTHERS_WRITE == 0 { "its group" } else { "every user of this machine" }
}

fn repair(mode: u32) -> &'static str {
    match (mode & GROUP_WRITES != 0, mode & OTHERS_WRITE != 0) {
        (true, false) => "g-w",
        (false, true) => "o-w",
        _ => "go-w",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    struct Files {
        dir: tempfile::TempDir,
        /// `dir` without links.
        root: PathBuf,
    }

    impl Files {
        /// The directories `a/b` and `c` with the files `a/b/key` and `c/key`.
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a directory");
            let root = dir.path().canonicalize().expect("a path");
            let files = Self { dir, root };
            for directory in ["a", "a/b", "c"] {
                fs::create_dir(files.path(directory)).expect("a directory");
                files.set_mode(directory, 0o755);
            }
            for file in ["a/b/key", "c/key"] {
                fs::write(files.path(file), "").expect("written");
                files.set_mode(file, 0o600);
            }
            files
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.join(name)
        }

        fn set_mode(&self, name: &str, mode: u32) {
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("set");
        }

        /// Checks a path for the account of this process.
        fn check(&self, name: &str) -> Result<(), String> {
            StrictModes::of_process().check(&self.dir.path().join(name)).map_err(|error| error.to_string())
        }

        fn refusal(&self, name: &str) -> String {
            self.check(name).expect_err(name)
        }
    }

    fn own_user() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn what_only_the_owner_can_write_is_accepted() {
        let files = Files::new();
        for mode in [0o600, 0o400, 0o644, 0o755] {
            files.set_mode("a/b/key", mode);
            assert_eq!(files.check("a/b/key"), Ok(()), "{mode:o}");
        }
        assert_eq!(files.check("a/../a/./b/key"), Ok(()));
        assert_eq!(
            StrictModes::of_process().check(Path::new("/etc/passwd")).map_err(|error| error.to_string()),
            Ok(())
        );
    }

    #[test]
    fn what_a_group_or_others_can_write_is_refused() {
        for (name, mode, writer, command) in [
            ("a/b/key", 0o620, "its group", "g-w"),
            ("a/b/key", 0o602, "every user of this machine", "o-w"),
            ("a/b/key", 0o666, "every user of this machine", "go-w"),
            ("a/b", 0o777, "every user of this machine", "go-w"),
            ("a", 0o757, "every user of this machine", "o-w"),
        ] {
            let files = Files::new();
            files.set_mode(name, mode);
            let (path, user) = (files.path(name).display().to_string(), own_user());
            assert_eq!(
                files.refusal("a/b/key"),
                format!(
                    "{path} (of user {user}, mode {mode:04o}) can be written by {writer}: run chmod {command} {path}"
                )
            );
        }
    }

    #[test]
    fn writable_sticky_directories_are_accepted_above_only() {
        let files = Files::new();
        files.set_mode("a", 0o1777);
        assert_eq!(files.check("a/b/key"), Ok(()));
        assert!(files.refusal("a").contains("can be written by every user"), "others can add files to it");
    }

    #[test]
    fn what_belongs_to_another_account_is_refused() {
        let files = Files::new();
        // Only root can give files away. For other accounts, the rule is that of a neighbour.
        let (rule, owner) = if own_user() == ROOT {
            chown(files.path("a/b"), Some(12_345), None).expect("given away");
            (StrictModes::of_user(999), 12_345)
        } else {
            (StrictModes::of_user(own_user() + 1), own_user())
        };
        let message = rule.check(&files.path("a/b/key")).expect_err("another's").to_string();
        assert!(message.contains(&format!(" belongs to user {owner} (mode 0")), "{message}");
        assert!(
            message.contains(&format!(
                ", but this process runs as user {0}: run it as user {owner}, or run chown {0} /",
                rule.user
            )),
            "{message}"
        );
    }

    #[test]
    fn root_may_own_the_files_of_any_account() {
        assert!(StrictModes::of_user(own_user() + 7).check(Path::new("/etc/passwd")).is_ok());
    }

    #[test]
    fn both_ends_of_a_symbolic_link_are_checked() {
        let files = Files::new();
        symlink("../../c/key", files.path("a/b/relative")).expect("a link");
        symlink(files.path("c"), files.path("a/b/absolute")).expect("a link");
        for link in ["a/b/relative", "a/b/absolute/key"] {
            assert_eq!(files.check(link), Ok(()), "{link}");
            for (name, mode) in [("c/key", 0o602), ("c", 0o777), ("a/b", 0o777), ("a", 0o777)] {
                files.set_mode(name, mode);
                assert!(
                    files.refusal(link).starts_with(&format!("{} (", files.path(name).display())),
                    "{link} {name}"
                );
                files.set_mode(name, 0o755);
            }
        }
        symlink("loop", files.path("loop")).expect("a link");
        assert!(files.refusal("loop").contains("too many levels of symbolic links"));
        symlink("missing", files.path("broken")).expect("a link");
        assert!(files.refusal("broken").contains("cannot look at "));
    }

    #[test]
    fn group_of_one_account_is_its_own() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:100::/:/bin/sh\n\
                        eve:x:1002:100::/:/bin/sh\ndan:x:1003:1003::/:/bin/sh\n";
        let groups = "root:x:0:\nusers:x:100:\nann:x:1000:ann\nempty:x:7:\ndan:x:1003:dan,eve\n";
        assert!(is_own_group(1000, 1000, accounts, groups));
        assert!(is_own_group(0, 0, accounts, groups));
        for (user, group, reason) in [
            (1001, 100, "another account has it"),
            (1003, 1003, "another account is a member"),
            (1001, 1000, "it is another's"),
            (1000, 7, "it is not the account's"),
            (1000, 4_000, "it is unknown"),
        ] {
            assert!(!is_own_group(user, group, accounts, groups), "{reason}");
        }
        assert!(!is_own_group(1000, 1000, "", ""));
    }
}
