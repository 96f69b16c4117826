//! Migrates the store's schema.

use std::fmt::Write as _;

use anyhow::Context as _;

use super::output::print;
use crate::settings::Settings;
use crate::wiring;

/// Runs the pending migrations. With `plan` it only prints them.
pub(super) async fn run(plan: bool, settings: &Settings) -> anyhow::Result<()> {
    let service = wiring::service(settings);
    if !plan {
        service.create_data_dir()?;
    }
    let store = service.open_store()?;
    let pending = store.pending_migrations().await.context("cannot read the store's schema")?;
    if !plan {
        store.migrate().await.context("cannot bring the store's schema up to date")?;
    }
    store.close().await;
    let verb = if plan { "would run" } else { "ran" };
    let mut text = String::new();
    for (number, name) in &pending {
        let _ = writeln!(text, "{verb} {number:04} {name}");
    }
    if pending.is_empty() {
        text.push_str("the schema is up to date\n");
    }
    print(&text)
}
