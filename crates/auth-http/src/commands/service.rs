//! Opens the service for a command that works on the store.

use anyhow::Context as _;
use auth_domain::UseCases;

use crate::settings::Settings;
use crate::wiring;

/// Opens the service, runs a command and closes the service. With `may_create`, the store is created or migrated first.
///
/// A command that only reads or changes data must not create a store: with a wrong path it would report an empty one.
///
/// # Errors
/// Those of the command, and when the store is missing or its schema is not up to date.
pub(super) async fn with_service(
    settings: &Settings,
    may_create: bool,
    command: impl AsyncFnOnce(&UseCases) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if !may_create {
        let store = wiring::service(settings).open_store()?;
        let pending = store.pending_migrations().await.context("cannot read the store's schema")?;
        store.close().await;
        anyhow::ensure!(
            pending.is_empty(),
            "the schema of {} is not up to date: start the service there, or run auth-http migrate",
            settings.database_url
        );
    }
    let service = wiring::service(settings).open()?;
    if may_create {
        service.migrate().await.context("cannot bring the store's schema up to date")?;
    }
    let outcome = command(&service.auth().on_behalf_of_system()).await;
    service.close().await;
    outcome
}
