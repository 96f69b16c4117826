//! The statements of a refresh, read from the files that the service's adapters read, and a pgbench script of them.

use std::fmt::Write as _;

/// Reads the session of a credential on SQLite.
pub const SQLITE_READ: &str =
    include_str!("../../../crates/auth-infra/src/sqlite/statements/read_refresh.sql");
/// Rotates a credential on SQLite.
pub const SQLITE_ROTATE: &str = include_str!("../../../crates/auth-infra/src/sqlite/statements/rotate.sql");

const POSTGRES_READ: &str =
    include_str!("../../../crates/auth-infra/src/postgres/statements/read_refreshes.sql");
const POSTGRES_WRITE: &str =
    include_str!("../../../crates/auth-infra/src/postgres/statements/write_refreshes.sql");

/// Returns a pgbench script of this many consecutive refreshes of one session.
///
/// The service refreshes all waiting sessions by one statement of arrays; the script uses arrays of one element. Its variables
/// are `s` (the session), `t` (the time), `d0`, `d1`, .. (the digests of consecutive credentials, from the one that the last
/// refresh before the script consumed) and `n1`, `n2`, .. (the nonces).
#[must_use]
pub fn pgbench_script(refreshes: usize) -> String {
    let mut script = String::new();
    for number in 1..=refreshes {
        let (consumed, presented) = (format!("d{}", number - 1), format!("d{number}"));
        let (successor, nonce) = (format!("d{}", number + 1), format!("n{number}"));
        let read = with_variables(POSTGRES_READ, &[&presented]);
        let write = with_variables(POSTGRES_WRITE, &["s", &consumed, &presented, &successor, &nonce, "t"]);
        let _ = write!(script, "{};\n{};\n", read.trim(), write.trim());
    }
    script
}

/// Replaces `$1` by an array of the first variable, and so on.
fn with_variables(statement: &str, variables: &[&str]) -> String {
    let mut text = statement.to_owned();
    // The last parameter first, because `$1` is also the beginning of `$11`.
    for (index, variable) in variables.iter().enumerate().rev() {
        text = text.replace(&format!("${}", index + 1), &format!("ARRAY[:{variable}]"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_replaces_every_parameter() {
        let script = pgbench_script(2);
        assert!(!script.contains('$'), "{script}");
        assert_eq!(script.matches(';').count(), 4, "{script}");
        let write = "unnest(ARRAY[:s]::uuid[], ARRAY[:d1]::bytea[], ARRAY[:d2]::bytea[], ARRAY[:d3]::bytea[], \
                     ARRAY[:n2]::bytea[], ARRAY[:t]::timestamptz[])";
        assert!(script.contains(write), "{script}");
    }

    #[test]
    fn first_parameter_is_not_found_in_the_eleventh() {
        let variables: Vec<_> = ('a'..='k').map(String::from).collect();
        let variables: Vec<_> = variables.iter().map(String::as_str).collect();
        assert_eq!(with_variables("$1 $11", &variables), "ARRAY[:a] ARRAY[:k]");
    }
}
