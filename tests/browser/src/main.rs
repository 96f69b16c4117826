//! The browser of the tests, from a shell.

use std::io::{self, Write};
use std::process::ExitCode;

/// Says which browser the tests would use, or what to do to have one.
fn main() -> io::Result<ExitCode> {
    match browser::find() {
        Ok(programs) => writeln!(io::stdout(), "{programs}").map(|()| ExitCode::SUCCESS),
        Err(line) => writeln!(io::stderr(), "{line}").map(|()| ExitCode::FAILURE),
    }
}
