//! The program `auth-http`. [`auth_http::commands`] documents its commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    auth_http::commands::main(std::env::args_os())
}
