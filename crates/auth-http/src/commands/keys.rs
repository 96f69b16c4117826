//! The signing keys. They are files: the store is not needed for them, and a service that runs reads them again by
//! itself.

use auth_infra::token::KeyInfo;
use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{columns, print, print_json};
use crate::settings::Settings;
use crate::wiring;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the keys, newest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Makes a new key, which signs from now on; the older ones go on verifying what they signed
    Rotate,
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let directory = &settings.keys_dir;
    if matches!(command, Command::List { .. }) && !directory.is_dir() {
        anyhow::bail!(
            "there is no directory {}: the service makes it when it first starts",
            directory.display()
        );
    }
    let keys = wiring::open_keys(settings)?;
    match command {
        Command::List { json: true } => Ok(print_json(&keys.list().iter().map(as_json).collect())?),
        Command::List { json: false } => Ok(print(&table(&keys.list()))?),
        Command::Rotate => Ok(print(&format!("{} signs from now on\n", keys.rotate()?.kid))?),
    }
}

fn table(keys: &[KeyInfo]) -> String {
    let heads = ["ID", "ALGORITHM", "CREATED", "USE"].map(str::to_owned);
    let rows = keys.iter().map(|key| {
        let used = if key.signs { "signs and verifies" } else { "verifies" };
        [key.kid.clone(), key.algorithm.to_string(), key.created.to_string(), used.to_owned()]
    });
    columns(&std::iter::once(heads).chain(rows).collect::<Vec<_>>())
}

fn as_json(key: &KeyInfo) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "created_at": key.created.to_string(),
        "signs": key.signs,
    })
}
