//! Opens the service for a command that works on the store.

use anyhow::Context as _;

use crate::settings::Settings;
use crate::wiring::{self, Service};

/// Opens the service over an existing store. A command that only reads or changes data must not create a store: with a
/// wrong path it would report an empty one.
///
/// # Errors
/// When the store is missing or its schema is not up to date.
pub(super) async fn open(settings: &Settings) -> anyhow::Result<Service> {
    let store = wiring::open_store(settings)?;
    let pending = store.pending_migrations().await.context("cannot read the store's schema")?;
    store.close().await;
    anyhow::ensure!(
        pending.is_empty(),
        "the schema of {} is not up to date: start the service there, or run auth-http migrate",
        settings.database_url
    );
    wiring::open(settings)
}

/// Opens the service, and creates or migrates its store first.
pub(super) async fn open_or_create(settings: &Settings) -> anyhow::Result<Service> {
    let service = wiring::open(settings)?;
    service.store.migrate().await.context("cannot bring the store's schema up to date")?;
    Ok(service)
}
