//! The PostgreSQL of the tests, from a shell.

use std::{
    env,
    error::Error,
    io::{self, Write},
    process::{Command, ExitCode},
};

use test_postgres::{DATABASE_URL, TestPostgres, find};

const USAGE: &str = "Usage:
  test-postgres find                  say which PostgreSQL the tests would use, or what to do to have one
  test-postgres run COMMAND [ARGS]..  run a command with the URL of that server in AUTH_TEST_DATABASE_URL";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    match (arguments.next().as_deref().and_then(|order| order.to_str()), arguments.next()) {
        (Some("find"), None) => say(find()),
        (Some("run"), Some(command)) => {
            let postgres = TestPostgres::shared();
            let status = Command::new(command).args(arguments).env(DATABASE_URL, postgres.url()).status()?;
            Ok(status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .map_or(ExitCode::FAILURE, ExitCode::from))
        }
        _ => say(Err(USAGE.to_owned())),
    }
}

fn say(answer: Result<String, String>) -> Result<ExitCode, Box<dyn Error>> {
    match answer {
        Ok(line) => writeln!(io::stdout(), "{line}").map(|()| ExitCode::SUCCESS),
        Err(lines) => writeln!(io::stderr(), "{lines}").map(|()| ExitCode::FAILURE),
    }
    .map_err(Into::into)
}
