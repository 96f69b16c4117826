//! Shows, checks and documents the settings.

use anyhow::ensure;
use auth_domain::ports::Clock as _;
use auth_infra::service::check_sqlite_file;
use auth_infra::strict_modes::StrictModes;
use auth_infra::system::SystemClock;
use auth_infra::token::read_newest_algorithm;
use clap::Subcommand;

use super::output::print;
use crate::settings::{DatabaseUrl, Settings};
use crate::wiring;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Prints the settings in force with the source of each; passwords are masked
    Show,
    /// Prints a warning for each unsafe setting, and for a signing key of another algorithm
    Check {
        /// Fail if there is a warning
        #[arg(long)]
        strict: bool,
    },
    /// Prints the reference of every setting, in Markdown
    Docs,
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::Show => print(&settings.show()),
        Command::Check { strict } => check(settings, *strict),
        Command::Docs => docs(),
    }
}

/// Prints the reference, for which no settings are needed.
pub(super) fn docs() -> anyhow::Result<()> {
    print(&wiring::settings_reference())
}

fn check(settings: &Settings, strict: bool) -> anyhow::Result<()> {
    let mut warnings = settings.warnings();
    warnings.extend(file_warnings(settings));
    warnings.extend(key_warning(settings));
    if warnings.is_empty() {
        print("The settings are valid, and nothing about them is known to be unsafe.\n")?;
    }
    for warning in &warnings {
        print(&format!("warning: {warning}\n"))?;
    }
    ensure!(!strict || warnings.is_empty(), "the settings are valid but unsafe");
    Ok(())
}

/// Warnings about files that another account may alter. With them the service does not start.
fn file_warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    if settings.data_dir.exists()
        && let Err(error) = StrictModes::of_process().check(&settings.data_dir)
    {
        warnings.push(format!("data_dir: {error}"));
    }
    if let DatabaseUrl::Sqlite(path) = &settings.database_url
        && let Err(error) = check_sqlite_file(path)
        && warnings.is_empty()
    {
        warnings.push(format!("database_url: {error}"));
    }
    warnings
}

/// A warning about the key directory. It is read, and nothing in it is created.
fn key_warning(settings: &Settings) -> Option<String> {
    match read_newest_algorithm(&settings.keys_dir, SystemClock.now()) {
        Ok(signing) => signing.and_then(|signing| settings.signing_key_warning(signing)),
        // With this directory the service does not start.
        Err(error) => Some(format!("keys_dir: {error}")),
    }
}
