//! The command line: the server and the commands of an operator.
//!
//! A command prints its result to standard output, and an error as one line to standard error. The exit code is 0 for
//! success, 1 for a failure and 2 for invalid arguments. It is 130 or 143 if SIGINT or SIGTERM has stopped an import.

mod api_keys;
mod arguments;
mod audit;
mod config;
mod confirm;
mod hash;
mod import;
mod keys;
mod migrate;
mod openapi;
mod output;
mod password;
mod service;
mod shell;
mod users;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use actix_web::rt::System;
use clap::{CommandFactory as _, Parser, Subcommand};
use tracing::Level;

use self::arguments::{SettingsArguments, UsageError};
use crate::server::{self, telemetry};
use crate::settings::{Settings, Source, Sources};
use crate::wiring;

/// The exit code for invalid arguments.
const USAGE_EXIT_CODE: u8 = 2;

/// An authentication service: users, passwords, sessions and tokens over HTTP.
#[derive(Parser)]
#[command(
    name = "auth-http",
    version,
    after_help = "Without a command, the program serves. `auth-http config docs` lists every setting"
)]
struct CommandLine {
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until SIGINT or SIGTERM
    Serve,
    /// Brings the store's schema up to date
    Migrate {
        /// Print the pending migrations and run none
        #[arg(long)]
        plan: bool,
    },
    /// Creates, lists and revokes the API keys of trusted programs
    #[command(subcommand)]
    ApiKey(api_keys::Command),
    /// Manages users by id, username or e-mail address
    #[command(subcommand)]
    User(users::Command),
    /// Prints the audit trail
    Audit(audit::Audit),
    /// Lists and rotates the keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::Command),
    /// Measures the cost of password hashing
    #[command(subcommand)]
    Hash(hash::Command),
    /// Shows and checks the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Prints the OpenAPI document of a dialect, as JSON, under its configured prefix
    Openapi {
        /// The dialect's name, such as `single_token`; without it, the names of all dialects are listed
        dialect: Option<String>,
    },
    /// Prints the completions of a shell
    Completions { shell: clap_complete::Shell },
    /// Prints the manual page
    Man(shell::Man),
}

/// Runs the command that the arguments name. The first argument is the name of the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

fn run(arguments: &[OsString]) -> anyhow::Result<()> {
    let CommandLine { settings, command } = CommandLine::try_parse_from(arguments)?;
    let command = command.unwrap_or(Command::Serve);
    // These commands read no settings, so they work whatever the settings are.
    match command {
        Command::Config(config::Command::Docs) => return config::docs(),
        Command::Completions { shell } => return shell::completions(shell, CommandLine::command()),
        Command::Man(man) => return man.run(CommandLine::command()),
        _ => {}
    }
    let file = settings.config.clone();
    let flags = settings.flags(arguments)?;
    let mut settings =
        wiring::load_settings(&Sources { file, environment: std::env::vars_os().collect(), flags })?;
    // The commands of an operator log only warnings and errors, unless a setting gives another level: log lines would
    // hide the output. `config show` prints the level of the service.
    if !matches!(command, Command::Serve | Command::Config(_))
        && *settings.source("log.level") == Source::Default
    {
        settings.log_level = Level::WARN.into();
    }
    telemetry::init(&settings)?;
    System::new().block_on(execute(command, settings))
}

async fn execute(command: Command, settings: Settings) -> anyhow::Result<()> {
    match command {
        Command::Serve => {
            for warning in settings.warnings() {
                tracing::warn!("{warning}");
            }
            server::serve(settings).await
        }
        Command::Migrate { plan } => migrate::run(plan, &settings).await,
        Command::ApiKey(command) => api_keys::run(command, &settings).await,
        Command::User(command) => users::run(command, &settings).await,
        Command::Audit(command) => audit::run(command, &settings).await,
        Command::Keys(command) => keys::run(&command, &settings),
        Command::Hash(command) => hash::run(&command, &settings),
        Command::Config(command) => config::run(&command, &settings),
        Command::Openapi { dialect } => openapi::run(dialect.as_deref(), &settings),
        Command::Completions { .. } | Command::Man(_) => Ok(()),
    }
}

/// Prints an error and its causes on one line, and returns the exit code.
fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(error) = error.downcast_ref::<clap::Error>() {
        let printed = error.print().is_ok();
        return if printed && !error.use_stderr() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(USAGE_EXIT_CODE)
        };
    }
    if let Some(stopped) = error.downcast_ref::<import::Stopped>() {
        let _ = writeln!(io::stderr(), "{stopped}");
        return ExitCode::from(stopped.exit_code());
    }
    if error
        .root_cause()
        .downcast_ref()
        .is_some_and(|cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe)
    {
        // The reader of the pipe, such as `head`, closed it on purpose: a message would be noise.
        return ExitCode::FAILURE;
    }
    let line = format!("{error:#}").replace(['\n', '\r'], " ");
    // If standard error is closed, the exit code is all that remains to report the failure.
    let _ = writeln!(io::stderr(), "error: {line}");
    if error.is::<UsageError>() { ExitCode::from(USAGE_EXIT_CODE) } else { ExitCode::FAILURE }
}
