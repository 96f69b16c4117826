//! Manages API keys. No key exists until an operator creates one.

use std::time::Duration;

use anyhow::bail;
use auth_domain::Auth;
use auth_domain::model::{ApiKey, ApiKeyId, ApiKeyName, Scope, Scopes, Timestamp};
use auth_domain::ports::Clock as _;
use auth_domain::use_cases::CreateApiKey;
use auth_infra::system::SystemClock;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use uuid::Uuid;

use super::output::{columns, print, print_json, table};
use super::service;
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
        /// The key's id
        id: Uuid,
    },
}

#[derive(Args)]
pub(super) struct Create {
    /// The name of the key
    #[arg(long, value_parser = ApiKeyName::parse)]
    name: ApiKeyName,
    /// A scope of the key: users:read, users:write, users:roles or auth [default: all]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = Scope::parse)]
    scopes: Vec<Scope>,
    /// Days until it expires [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires_in: Option<u32>,
}

pub(super) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let service = match command {
        Command::Create(_) => service::open_or_create(settings).await?,
        _ => service::open(settings).await?,
    };
    let outcome = match command {
        Command::Create(command) => create(&service.auth, command).await,
        Command::List { json } => list(&service.auth, json).await,
        Command::Revoke { id } => revoke(&service.auth, ApiKeyId(id)).await,
    };
    service.close().await;
    outcome
}

async fn create(auth: &Auth, command: Create) -> anyhow::Result<()> {
    let Create { name, scopes, expires_in } = command;
    let scopes = if scopes.is_empty() { Scopes::all() } else { scopes.into_iter().collect() };
    let lifetime = expires_in.map(|days| Duration::from_secs(u64::from(days) * DAY));
    let created = auth.create_api_key(CreateApiKey { name, scopes, lifetime }).await?;
    let key = &created.key;
    let facts = columns(&[
        ["id".to_owned(), key.id.to_string()],
        ["name".to_owned(), key.name.as_str().to_owned()],
        ["scopes".to_owned(), key.scopes.to_string()],
        ["expires".to_owned(), time_or_never(key.expires_at)],
    ]);
    let secret = created.secret.expose();
    Ok(print(&format!("{facts}The key, which is not shown again:\n{}\n", *secret))?)
}

async fn list(auth: &Auth, json: bool) -> anyhow::Result<()> {
    let keys = auth.list_api_keys().await?;
    let now = SystemClock.now();
    if json {
        return Ok(print_json(&keys.iter().map(|key| as_json(key, now)).collect())?);
    }
    let rows = keys.iter().map(|key| {
        [
            key.id.to_string(),
            state(key, now).to_owned(),
            key.scopes.to_string(),
            key.created_at.to_string(),
            time_or_never(key.expires_at),
            time_or_never(key.last_used_at),
            key.name.as_str().to_owned(),
        ]
    });
    Ok(print(&table(["ID", "STATE", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "NAME"], rows))?)
}

async fn revoke(auth: &Auth, id: ApiKeyId) -> anyhow::Result<()> {
    if !auth.revoke_api_key(id).await? {
        bail!("there is no such key, or it was revoked before");
    }
    Ok(print(&format!("revoked {id}\n"))?)
}

fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "expired",
    }
}

fn as_json(key: &ApiKey, now: Timestamp) -> Value {
    let scopes = Scope::ALL.into_iter().filter(|scope| key.scopes.contains(*scope)).map(Scope::as_str);
    json!({
        "id": key.id.to_string(),
        "name": key.name.as_str(),
        "state": state(key, now),
        "scopes": scopes.collect::<Vec<_>>(),
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|time| time.to_string()),
        "revoked_at": key.revoked_at.map(|time| time.to_string()),
        "last_used_at": key.last_used_at.map(|time| time.to_string()),
    })
}

fn time_or_never(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| time.to_string())
}
