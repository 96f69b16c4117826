//! The program `auth-http`: see [`auth_http::commands`] for what it can be told to do.

use std::process::ExitCode;

fn main() -> ExitCode {
    auth_http::commands::main(std::env::args_os())
}
