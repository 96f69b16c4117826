//! Shows, checks and documents the settings.

use anyhow::bail;
use clap::Subcommand;

use super::output::print;
use crate::settings::Settings;
use crate::wiring;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Prints the settings in force with the source of each; passwords are masked
    Show,
    /// Prints a warning for each unsafe setting
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
    let warnings = settings.warnings();
    if warnings.is_empty() {
        print("The settings are valid, and nothing about them is known to be unsafe.\n")?;
    }
    for warning in &warnings {
        print(&format!("warning: {warning}\n"))?;
    }
    if strict && !warnings.is_empty() {
        bail!("the settings are valid but unsafe");
    }
    Ok(())
}
