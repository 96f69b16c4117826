//! The statements of a refresh, read from the files that the service's adapters read, and a pgbench script of them.

use std::fmt::Write as _;

/// Reads the session of a token family on SQLite.
pub const SQLITE_READ: &str =
    include_str!("../../../crates/auth-infra/src/sqlite/statements/read_refresh.sql");
/// Writes a refreshed session on SQLite.
pub const SQLITE_WRITE: &str =
    include_str!("../../../crates/auth-infra/src/sqlite/statements/write_refresh.sql");

const POSTGRES_READ: &str =
    include_str!("../../../crates/auth-infra/src/postgres/statements/read_refreshes.sql");
const POSTGRES_WRITE: &str =
    include_str!("../../../crates/auth-infra/src/postgres/statements/write_refreshes.sql");

/// Returns a pgbench script of this many refreshes, each of another session.
///
/// The service refreshes all waiting sessions by one statement of arrays; the script uses arrays of one element. Its variables
/// are `t` (the time), `f1`, `f2`, .. (the digests of the token families), `d1`, `d2`, .. (those of the successors) and `c1`,
/// `c2`, .. (the consumed credentials). The script reads the session and its current credential, as the service does, and
/// fails if a refresh was not written. The prefix `r_` of what it read keeps `client_id` as the number of the client.
#[must_use]
pub fn pgbench_script(refreshes: usize) -> String {
    let mut script = String::new();
    for number in 1..=refreshes {
        let (family, successor, consumed) =
            (format!("f{number}"), format!("d{number}"), format!("c{number}"));
        let read = with_variables(POSTGRES_READ, &[&family]);
        let write =
            with_variables(POSTGRES_WRITE, &["r_session_id", "r_credential", &successor, &consumed, "t"]);
        let _ = write!(script, "{} \\gset r_\n{} \\gset\n{CHECK}", read.trim(), write.trim());
    }
    script
}

const CHECK: &str = "\\if :refresh_session\n\\else\nSELECT 'not refreshed'::integer;\n\\endif\n";

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
        assert_eq!(script.matches("\\gset").count(), 4, "{script}");
        assert!(script.contains("unnest((SELECT ARRAY[:f2]::bytea[]))"), "{script}");
        let write = "unnest(ARRAY[:r_session_id]::uuid[], ARRAY[:r_credential]::bytea[], ARRAY[:d2]::bytea[], \
                     ARRAY[:c2]::bytea[], ARRAY[:t]::timestamptz[])";
        assert!(script.contains(write), "{script}");
    }

    #[test]
    fn first_parameter_is_not_found_in_the_eleventh() {
        let variables: Vec<_> = ('a'..='k').map(String::from).collect();
        let variables: Vec<_> = variables.iter().map(String::as_str).collect();
        assert_eq!(with_variables("$1 $11", &variables), "ARRAY[:a] ARRAY[:k]");
    }
}
