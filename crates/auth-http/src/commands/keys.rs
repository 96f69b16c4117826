//! Lists and rotates the signing keys. They are files, so no store is needed. A running service reads them again.

use auth_domain::model::Timestamp;
use auth_infra::token::{KeyInfo, KeyUse};
use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{print, table};
use crate::settings::Settings;
use crate::wiring;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the keys and their uses, newest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Creates a new signing key; the previous keys verify their tokens until these expire
    Rotate,
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let directory = &settings.keys_dir;
    anyhow::ensure!(
        matches!(command, Command::Rotate) || directory.is_dir(),
        "there is no directory {}: the service makes it when it first starts",
        directory.display()
    );
    let keys = wiring::open_keys(settings)?;
    match command {
        Command::List { json: true } => {
            print(&format!("{:#}\n", keys.list().iter().map(as_json).collect::<Value>()))
        }
        Command::List { json: false } => print(&as_table(&keys.list())),
        Command::Rotate => print(&format!("{} signs from now on\n", keys.rotate()?.kid)),
    }
}

fn as_table(keys: &[KeyInfo]) -> String {
    let rows = keys.iter().map(|key| {
        let (name, until) = key_use(key);
        let until = until.map(|until| format!(" until {}", until.whole_seconds())).unwrap_or_default();
        [key.kid.clone(), key.algorithm.to_string(), key.created.to_string(), format!("{name}{until}")]
    });
    table(["ID", "ALGORITHM", "CREATED", "USE"], rows)
}

/// The use of a key, and its end if that is known.
fn key_use(key: &KeyInfo) -> (&'static str, Option<Timestamp>) {
    match key.used {
        KeyUse::Signs => ("signs", None),
        KeyUse::Verifies { until } => ("verifies", Some(until)),
        KeyUse::Renews { until } => ("renews", Some(until)),
        KeyUse::Retired => ("retired", None),
    }
}

fn as_json(key: &KeyInfo) -> Value {
    let (name, until) = key_use(key);
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "created_at": key.created.to_string(),
        "use": name,
        "until": until.map(|until| until.to_string()),
    })
}
