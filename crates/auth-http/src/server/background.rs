//! Tasks that run next to the requests.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::spawn;
use actix_web::rt::task::JoinHandle;
use auth_domain::UseCases;
use auth_domain::ports::PortError;
use auth_infra::token::KeyRing;
use tokio::time::{interval, sleep};

use super::node_keys::compare_keys;
use crate::failure::Failure;
use crate::system_routes::Readiness;
use crate::wiring::Service;

/// Interval between two checks of the directory of signing keys.
const KEYS_INTERVAL: Duration = Duration::from_secs(1);
/// Interval between two purges of expired sessions, counters and audit events.
const PURGE_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Rows of one purge statement: few enough that no writer waits for long.
const PURGE_BATCH: u32 = 500;

/// Starts the background tasks. All but one end with the runtime. The returned task, which follows the revocations, ends
/// when the store is closed.
pub(super) fn start(service: &Service, readiness: &Arc<Readiness>) -> JoinHandle<()> {
    let readiness = Arc::clone(readiness);
    spawn(async move { readiness.migrate_when_back().await });
    spawn(reload_keys(Arc::clone(&service.keys)));
    spawn(compare_keys(Arc::clone(&service.keys), service.store.clone()));
    spawn(purge_hourly(service.auth.on_behalf_of_system()));
    let store = service.store.clone();
    spawn(async move { store.sync_revocations().await })
}

async fn reload_keys(keys: Arc<KeyRing>) {
    loop {
        sleep(KEYS_INTERVAL).await;
        keys.reload_if_changed();
    }
}

async fn purge_hourly(auth: UseCases) {
    let mut hourly = interval(PURGE_INTERVAL);
    loop {
        hourly.tick().await;
        purge(async || auth.purge_sessions(PURGE_BATCH).await).await;
        purge(async || auth.purge_audit_events(PURGE_BATCH).await).await;
        purge(async || auth.purge_attempts(PURGE_BATCH).await).await;
    }
}

/// Runs `batch` until it deletes nothing more.
async fn purge(batch: impl AsyncFn() -> Result<u64, PortError>) {
    loop {
        match batch().await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return Failure::from(error).log(),
        }
    }
}
