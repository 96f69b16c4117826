//! Migrates the store's schema.

use std::fmt::Write as _;

use anyhow::Context as _;
use clap::Args;

use super::output::print;
use crate::settings::Settings;
use crate::wiring;

#[derive(Args)]
pub(super) struct Migrate {
    /// Print the pending migrations and run none
    #[arg(long)]
    plan: bool,
}

pub(super) async fn run(command: &Migrate, settings: &Settings) -> anyhow::Result<()> {
    if !command.plan {
        wiring::create_data_dir(settings)?;
    }
    let store = wiring::open_store(settings)?;
    let pending = store.pending_migrations().await.context("cannot read the store's schema")?;
    if !command.plan {
        store.migrate().await.context("cannot bring the store's schema up to date")?;
    }
    store.close().await;
    let verb = if command.plan { "would run" } else { "ran" };
    let mut text = String::new();
    for (number, name) in &pending {
        let _ = writeln!(text, "{verb} {number:04} {name}");
    }
    if pending.is_empty() {
        text.push_str("the schema is up to date\n");
    }
    Ok(print(&text)?)
}
