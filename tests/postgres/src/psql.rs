//! Talking to a server through its own client, which speaks every way of logging in.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Runs SQL in one transaction and gives the rows, one a line, columns divided by `|`; else what the server said.
pub(crate) fn run(psql: &Path, url: &str, sql: &str) -> Result<String, String> {
    let output = Command::new(psql)
        .args(["-X", "-q", "-w", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} does not run: {error}", psql.display()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    }
}

/// The same server and parameters with another database.
pub(crate) fn with_database(url: &str, database: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, None), |(left, right)| (left, Some(right)));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    let mut url = format!("{}/{database}", &address[..end]);
    if let Some(parameters) = parameters {
        url.push('?');
        url.push_str(parameters);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced_and_the_rest_stays() {
        for (url, expected) in [
            ("postgres://u@h:5432/old", "postgres://u@h:5432/new"),
            ("postgres://u:p%2Fw@h", "postgres://u:p%2Fw@h/new"),
            ("postgres://u@h/?sslmode=disable", "postgres://u@h/new?sslmode=disable"),
            ("postgresql://u@h?host=/run/postgresql", "postgresql://u@h/new?host=/run/postgresql"),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }
}
