//! The signing keys. They are files: the store is not needed for them, and a service that runs reads them again by
//! itself.

use auth_domain::model::Timestamp;
use auth_infra::token::{KeyInfo, KeyUse};
use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{columns, print, print_json};
use crate::settings::Settings;
use crate::wiring;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the keys, newest first, with what each is good for
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Makes a new key, which signs from now on; the others verify what they signed, for as long as it is needed
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
        let used = match used(key) {
            (used, Some(until)) => format!("{used} until {}", until.whole_seconds()),
            (used, None) => used.to_owned(),
        };
        [key.kid.clone(), key.algorithm.to_string(), key.created.to_string(), used]
    });
    columns(&std::iter::once(heads).chain(rows).collect::<Vec<_>>())
}

/// What a key is good for, and until when, if that is known.
fn used(key: &KeyInfo) -> (&'static str, Option<Timestamp>) {
    match key.used {
        KeyUse::Signs => ("signs", None),
        KeyUse::Verifies { until } => ("verifies", Some(until)),
        KeyUse::Renews { until } => ("renews", Some(until)),
        KeyUse::Retired => ("retired", None),
    }
}

fn as_json(key: &KeyInfo) -> Value {
    let (used, until) = used(key);
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "created_at": key.created.to_string(),
        "use": used,
        "until": until.map(|until| until.to_string()),
    })
}
