//! Where PostgreSQL's programs are on this machine.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a cluster needs: one program makes it, one serves it, one talks to it.
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "psql"];

/// Where packages put a version's programs when they are not on `PATH`: in `bin` below the folders of a parent that
/// begin so.
const PACKAGES: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/usr/lib", "postgresql"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
];

/// The folder of the installed programs: the external one and no other, else from `PATH`, else the newest package's,
/// else the one that `pg_config` tells.
pub(crate) fn find(external: Option<&OsStr>, path: Option<&OsStr>) -> Option<PathBuf> {
    if let Some(external) = external {
        return Some(PathBuf::from(external)).filter(|folder| is_complete(folder));
    }
    path.and_then(on_path)
        .or_else(|| newest(PACKAGES.iter().map(|&(parent, prefix)| (Path::new(parent), prefix))))
        .or_else(from_pg_config)
}

/// `psql` alone: it is all that a server which runs elsewhere asks for.
pub(crate) fn find_psql(external: Option<&OsStr>, path: Option<&OsStr>) -> Option<PathBuf> {
    find(external, path)
        .into_iter()
        .chain(path.into_iter().flat_map(env::split_paths))
        .map(|folder| folder.join("psql"))
        .find(|program| program.is_file())
}

fn is_complete(folder: &Path) -> bool {
    folder.is_absolute() && PROGRAMS.iter().all(|program| folder.join(program).is_file())
}

fn on_path(path: &OsStr) -> Option<PathBuf> {
    env::split_paths(path).find(|folder| is_complete(folder))
}

fn newest<'a>(packages: impl Iterator<Item = (&'a Path, &'a str)>) -> Option<PathBuf> {
    packages
        .flat_map(|(parent, prefix)| {
            let folders = fs::read_dir(parent).into_iter().flatten().flatten();
            folders.filter_map(move |folder| {
                let name = folder.file_name();
                let version =
                    name.to_str()?.strip_prefix(prefix)?.trim_start_matches('@').parse().unwrap_or(0);
                Some((version, folder.path().join("bin"))).filter(|(_, bin)| is_complete(bin))
            })
        })
        .max_by_key(|&(version, _): &(u32, PathBuf)| version)
        .map(|(_, folder)| folder)
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    Some(folder).filter(|folder| is_complete(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    /// A folder of this test alone, with empty files in the place of programs.
    struct Machine(PathBuf);

    impl Machine {
        fn with(folders: &[&str], programs: &[&str]) -> Self {
            let root = env::temp_dir().join(format!("test-postgres-{:016x}", random()));
            for folder in folders {
                fs::create_dir_all(root.join(folder)).unwrap();
                for program in programs {
                    fs::write(root.join(folder).join(program), "").unwrap();
                }
            }
            Self(root)
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn newest_package_is_chosen_by_version_number() {
        let machine = Machine::with(&["9/bin", "17/bin", "pgsql-16/bin", "extension/bin"], &PROGRAMS);

        let found = newest([(machine.0.as_path(), ""), (machine.0.as_path(), "pgsql-")].into_iter());

        assert_eq!(found, Some(machine.0.join("17/bin")));
    }

    #[test]
    fn homebrew_version_folders_are_found() {
        let machine = Machine::with(&["postgresql@9/bin", "postgresql@16/bin"], &PROGRAMS);

        assert_eq!(
            newest([(machine.0.as_path(), "postgresql")].into_iter()),
            Some(machine.0.join("postgresql@16/bin"))
        );
    }

    #[test]
    fn client_package_alone_is_not_a_server() {
        let machine = Machine::with(&["18/bin"], &["psql"]);

        assert_eq!(newest([(machine.0.as_path(), "")].into_iter()), None);
        assert_eq!(on_path(machine.0.join("18/bin").as_os_str()), None);
    }

    #[test]
    fn path_is_searched_before_packages() {
        let machine = Machine::with(&["empty"], &[]);
        let server = Machine::with(&["bin"], &PROGRAMS);
        let path = env::join_paths([machine.0.join("empty"), server.0.join("bin")]).unwrap();

        assert_eq!(find(None, Some(&path)), Some(server.0.join("bin")));
    }

    #[test]
    fn configured_folder_is_the_only_one_searched() {
        let empty = Machine::with(&["bin"], &[]);
        let server = Machine::with(&["bin"], &PROGRAMS);

        assert_eq!(find(Some(empty.0.join("bin").as_os_str()), Some(server.0.join("bin").as_os_str())), None);
    }

    #[test]
    fn psql_alone_is_found_on_the_path() {
        let client = Machine::with(&["bin"], &["psql"]);
        let nowhere = client.0.join("nowhere");

        let found = find_psql(Some(nowhere.as_os_str()), Some(client.0.join("bin").as_os_str()));

        assert_eq!(found, Some(client.0.join("bin/psql")));
    }
}
