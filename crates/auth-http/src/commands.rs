//! The command line: serving, and what an operator does from a shell.
//!
//! What a command gives goes to standard output; what goes wrong is one line on standard error. The exit code is 0
//! when the command did what it was told, 1 when it failed, 2 when it was not understood.

mod api_keys;
mod arguments;
mod audit;
mod config;
mod hash;
mod import;
mod keys;
mod migrate;
mod openapi;
mod output;
mod password;
mod users;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use self::arguments::{SettingsArguments, Usage};
use crate::server::{self, telemetry};
use crate::settings::{LogLevel, Settings, Source, Sources};
use crate::wiring::{self, Service};

/// The exit code of a command that was not understood.
const USAGE: u8 = 2;

/// An authentication service: users, passwords, sessions and tokens over HTTP.
#[derive(Parser)]
#[command(
    name = "auth-http",
    version,
    after_help = "Without a command, it serves. Every setting: auth-http config docs"
)]
struct CommandLine {
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until it is told to stop
    Serve,
    /// Brings the store's schema up to date
    Migrate(migrate::Migrate),
    /// API keys: how trusted programs show who they are
    #[command(subcommand)]
    ApiKey(api_keys::Command),
    /// Users, named by id, username or e-mail address
    #[command(subcommand)]
    User(users::Command),
    /// What has happened, and what was denied
    Audit(audit::Audit),
    /// The keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::Command),
    /// What hashing passwords costs
    #[command(subcommand)]
    Hash(hash::Command),
    /// The settings
    #[command(subcommand)]
    Config(config::Command),
    /// Prints the OpenAPI document of a dialect, as JSON, where the settings put the dialect
    Openapi(openapi::Openapi),
}

/// Does what the arguments, of which the first is the program's name, say.
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
    if let Command::Config(config::Command::Docs) = command {
        return config::docs();
    }
    let file = settings.config.clone();
    let settings = wiring::load_settings(&Sources::of_process(file, settings.flags(arguments)?))?;
    match command {
        Command::Serve => serve(settings),
        Command::Config(command) => config::run(&command, &settings),
        Command::Openapi(command) => openapi::run(&command, &settings),
        Command::Migrate(command) => {
            operate(settings, async |settings| migrate::run(&command, settings).await)
        }
        Command::ApiKey(command) => {
            operate(settings, async |settings| api_keys::run(command, settings).await)
        }
        Command::User(command) => operate(settings, async |settings| users::run(command, settings).await),
        Command::Audit(command) => operate(settings, async |settings| audit::run(command, settings).await),
        Command::Hash(command) => operate(settings, async |settings| hash::run(&command, settings)),
        Command::Keys(command) => operate(settings, async |settings| keys::run(&command, settings)),
    }
}

fn serve(settings: Settings) -> anyhow::Result<()> {
    telemetry::init(&settings.log)?;
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    actix_web::rt::System::new().block_on(server::serve(settings))
}

/// Runs a command that works on what is kept; what is not worth a warning is not logged, unless a setting asks for it.
fn operate(
    mut settings: Settings,
    command: impl AsyncFnOnce(&Settings) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if *settings.source("log.level") == Source::Default {
        settings.log.level = LogLevel::warnings();
    }
    telemetry::init(&settings.log)?;
    actix_web::rt::System::new().block_on(command(&settings))
}

/// The domain over what is kept. A command that only works on what is there makes nothing where nothing is.
async fn open(settings: &Settings) -> anyhow::Result<Service> {
    let store = wiring::open_store(settings)?;
    let pending = store.pending_migrations().await.context("cannot read the store's schema")?;
    store.close().await;
    anyhow::ensure!(
        pending.is_empty(),
        "the schema of {} is not up to date: start the service there, or run auth-http migrate",
        settings.database.url
    );
    wiring::open(settings)
}

/// The domain over what is kept, which is made if it is not there.
async fn open_or_make(settings: &Settings) -> anyhow::Result<Service> {
    let wired = wiring::open(settings)?;
    wired.store.migrate().await.context("cannot bring the store's schema up to date")?;
    Ok(wired)
}

/// Says on one line what went wrong, with its causes.
fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(error) = error.downcast_ref::<clap::Error>() {
        let printed = error.print().is_ok();
        return if printed && !error.use_stderr() { ExitCode::SUCCESS } else { ExitCode::from(USAGE) };
    }
    if error
        .root_cause()
        .downcast_ref()
        .is_some_and(|cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe)
    {
        // Whoever read the output has read enough.
        return ExitCode::FAILURE;
    }
    let line = format!("{error:#}").replace(['\n', '\r'], " ");
    // Where standard error is closed, the exit code has to do.
    let _ = writeln!(io::stderr(), "error: {line}");
    if error.is::<Usage>() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
}
