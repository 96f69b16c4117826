//! Lists and rotates the signing keys. They are files, so no store is needed. A running service reads them again.

use auth_domain::model::Timestamp;
use auth_infra::token::{KeyInfo, KeyUse, Rotation};
use clap::Subcommand;
use serde_json::{Value, json};

use super::confirm::Confirmation;
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
    /// Creates a signing key: it is published now and signs after `token.rotation_delay_seconds`
    Rotate {
        /// A key was stolen: the new key signs at once, and every earlier key is revoked. Users of `token_pair`,
        /// `single_token` and `directory` have to log in again
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let directory = &settings.keys_dir;
    anyhow::ensure!(
        matches!(command, Command::Rotate { .. }) || directory.is_dir(),
        "there is no directory {}: the service makes it when it first starts",
        directory.display()
    );
    if let Command::Rotate { now: true, confirmation } = command {
        confirmation.require(
            "Revoke every earlier key? Users of token_pair, single_token and directory are logged out.",
        )?;
    }
    let keys = wiring::service(settings).open_keys()?;
    match command {
        Command::List { json: true } => {
            print(&format!("{:#}\n", keys.list().iter().map(as_json).collect::<Value>()))
        }
        Command::List { json: false } => print(&as_table(&keys.list())),
        Command::Rotate { now: true, .. } => print(&format!(
            "{} signs from now on. Every earlier key is revoked: its access tokens are refused, and the sessions of \
             token_pair, single_token and directory end. Other services may accept tokens of the earlier keys for {} s \
             more, while they cache the key set.\n",
            keys.rotate(Rotation::Now)?.kid,
            settings.keys_max_age.as_secs()
        )),
        Command::Rotate { now: false, .. } => {
            let key = keys.rotate(Rotation::After(settings.rotation_delay))?;
            let (_, from) = key_use(&key);
            let from = from.map(|from| from.to_string()).unwrap_or_default();
            print(&format!("{} is published now and signs from {from}\n", key.kid))
        }
    }
}

fn as_table(keys: &[KeyInfo]) -> String {
    let rows = keys.iter().map(|key| {
        let (name, time) = key_use(key);
        let time = time.map(|time| time.whole_seconds().to_string()).unwrap_or_default();
        let used = match key.used {
            KeyUse::Published { .. } => format!("{name}, signs from {time}"),
            KeyUse::Verifies { .. } | KeyUse::Renews { .. } => format!("{name} until {time}"),
            KeyUse::Signs | KeyUse::Retired | KeyUse::Revoked => name.to_owned(),
        };
        let created = key.created.map_or_else(|| "-".to_owned(), |created| created.to_string());
        [key.kid.clone(), key.algorithm.to_string(), created, used]
    });
    table(["ID", "ALGORITHM", "CREATED", "USE"], rows)
}

/// The use of a key, and when it begins to sign or ends, if that is known.
fn key_use(key: &KeyInfo) -> (&'static str, Option<Timestamp>) {
    match key.used {
        KeyUse::Published { signs_from } => ("published", Some(signs_from)),
        KeyUse::Signs => ("signs", None),
        KeyUse::Verifies { until } => ("verifies", Some(until)),
        KeyUse::Renews { until } => ("renews", Some(until)),
        KeyUse::Retired => ("retired", None),
        KeyUse::Revoked => ("revoked", None),
    }
}

fn as_json(key: &KeyInfo) -> Value {
    let (name, time) = key_use(key);
    let time = time.map(|time| time.to_string());
    let (from, until) = if name == "published" { (time, None) } else { (None, time) };
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "created_at": key.created.map(|created| created.to_string()),
        "use": name,
        "signs_from": from,
        "until": until,
    })
}
