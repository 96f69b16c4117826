//! Manages API keys. No key exists until an operator creates one.

use std::time::Duration;

use anyhow::ensure;
use auth_domain::UseCases;
use auth_domain::model::{ApiKey, ApiKeyId, ApiKeyName, Scope, Timestamp};
use auth_domain::ports::Clock as _;
use auth_domain::use_cases::CreateApiKey;
use auth_infra::system::SystemClock;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use uuid::Uuid;

use super::confirm::Confirmation;
use super::output::{members, print, print_list};
use super::service::with_service;
use crate::settings::Settings;

const DAY: u64 = 24 * 60 * 60;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Creates a key and prints it as the last line; it is not shown again
    Create(Create),
    /// Lists all keys without their secrets, including expired and revoked ones
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revokes a key at once
    Revoke {
        /// The key's id, as `list` shows it
        #[arg(value_parser = key_id)]
        id: ApiKeyId,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

#[derive(Args)]
pub(super) struct Create {
    /// The name of the key
    #[arg(long, value_parser = ApiKeyName::parse)]
    name: ApiKeyName,
    /// What the key may do: users:read, users:write, users:roles, auth; several are separated by commas
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',', value_parser = Scope::parse)]
    scopes: Vec<Scope>,
    /// Days until it expires [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires_in: Option<u32>,
}

pub(super) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let may_create = matches!(command, Command::Create(_));
    with_service(settings, may_create, async |auth| match command {
        Command::Create(command) => create(auth, command).await,
        Command::List { json } => list(auth, json).await,
        Command::Revoke { id, confirmation } => {
            confirmation
                .require(&format!("Revoke {id}? Every program that uses the key is refused at once."))?;
            let revoked = auth.revoke_api_key(id).await?;
            ensure!(revoked, "there is no such key, or it was revoked before");
            print(&format!("revoked {id}\n"))
        }
    })
    .await
}

fn key_id(text: &str) -> Result<ApiKeyId, &'static str> {
    Uuid::try_parse(text)
        .map(ApiKeyId)
        .map_err(|_| "must be an id, such as 0198a2ed-7fc4-7747-88ff-f7719dd5979e")
}

async fn create(auth: &UseCases, command: Create) -> anyhow::Result<()> {
    let Create { name, scopes, expires_in } = command;
    let scopes = scopes.into_iter().collect();
    let mut command = CreateApiKey::new(name, scopes);
    command.lifetime = expires_in.map(|days| Duration::from_secs(u64::from(days) * DAY));
    let created = auth.create_api_key(command).await?;
    let rows = [("id", "id"), ("name", "name"), ("scopes", "scopes"), ("expires", "expires_at")];
    let facts = members(&as_json(&created.key, SystemClock.now()), rows, "never");
    let secret = created.secret.expose();
    print(&format!("{facts}The key, which is not shown again:\n{}\n", *secret))
}

async fn list(auth: &UseCases, json: bool) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let keys = auth.list_api_keys().await?.iter().map(|key| as_json(key, now)).collect();
    let columns = [
        ("ID", "id"),
        ("STATE", "state"),
        ("SCOPES", "scopes"),
        ("CREATED", "created_at"),
        ("EXPIRES", "expires_at"),
        ("LAST USED", "last_used_at"),
        ("NAME", "name"),
    ];
    print_list(keys, json, columns, "never")
}

fn as_json(key: &ApiKey, now: Timestamp) -> Value {
    let state = match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "expired",
    };
    let scopes = Scope::ALL.into_iter().filter(|scope| key.scopes.contains(*scope)).map(Scope::as_str);
    json!({
        "id": key.id.to_string(),
        "name": key.name.as_str(),
        "state": state,
        "scopes": scopes.collect::<Vec<_>>(),
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|time| time.to_string()),
        "revoked_at": key.revoked_at.map(|time| time.to_string()),
        "last_used_at": key.last_used_at.map(|time| time.to_string()),
    })
}
