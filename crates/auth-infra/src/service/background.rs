//! The work that runs next to the requests.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::UseCases;
use auth_domain::ports::PortError;

use super::node_keys::compare_keys;
use super::open::OpenService;
use super::schema::Schema;
use super::tasks::Stop;
use crate::token::KeyRing;

/// Interval between two checks of the directory of signing keys.
const KEYS_INTERVAL: Duration = Duration::from_secs(1);
/// Interval between two purges of expired sessions, counters and audit events.
const PURGE_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Rows of one purge statement: few enough that no writer waits for long.
const PURGE_BATCH: u32 = 500;

/// Starts all tasks but the audit queue.
pub(super) fn start(service: &OpenService, schema: &Arc<Schema>) {
    let tasks = &service.tasks;
    let schema = Arc::clone(schema);
    tasks.spawn("schema migration", move |stop| {
        let schema = Arc::clone(&schema);
        async move {
            schema.migrate_when_back(&stop).await;
            stop.requested().await;
        }
    });
    let store = service.store.clone();
    tasks.spawn("revocation feed", move |_| {
        let store = store.clone();
        // It ends when the store is closed.
        async move { store.sync_revocations().await }
    });
    let keys = Arc::clone(&service.keys);
    tasks.spawn("key reload", move |stop| reload_keys(Arc::clone(&keys), stop));
    let (keys, store) = (Arc::clone(&service.keys), service.store.clone());
    tasks.spawn("key comparison", move |stop| compare_keys(Arc::clone(&keys), store.clone(), stop));
    let auth = service.auth().on_behalf_of_system();
    tasks.spawn("purge", move |stop| purge_hourly(auth.clone(), stop));
}

async fn reload_keys(keys: Arc<KeyRing>, stop: Stop) {
    while stop.pause(KEYS_INTERVAL).await {
        keys.reload_if_changed();
    }
}

/// What is deleted when it has expired.
#[derive(Clone, Copy)]
enum Expired {
    Sessions,
    AuditEvents,
    Attempts,
}

async fn purge_hourly(auth: UseCases, stop: Stop) {
    loop {
        for expired in [Expired::Sessions, Expired::AuditEvents, Expired::Attempts] {
            purge(&auth, expired, &stop).await;
        }
        if !stop.pause(PURGE_INTERVAL).await {
            return;
        }
    }
}

/// Deletes batches until nothing is left.
async fn purge(auth: &UseCases, expired: Expired, stop: &Stop) {
    while !stop.is_requested() {
        let deleted = match expired {
            Expired::Sessions => auth.purge_sessions(PURGE_BATCH).await,
            Expired::AuditEvents => auth.purge_audit_events(PURGE_BATCH).await,
            Expired::Attempts => auth.purge_attempts(PURGE_BATCH).await,
        };
        match deleted {
            Ok(0) => return,
            Ok(_) => {}
            // The store has been closed in between.
            Err(_) if stop.is_requested() => return,
            Err(error) => return log(&error),
        }
    }
}

fn log(error: &PortError) {
    match error {
        PortError::Unavailable(cause) => tracing::warn!(cause = %chain(&**cause), "unavailable"),
        PortError::Overloaded => tracing::warn!(cause = "too many operations are in progress", "unavailable"),
        PortError::Corrupt(cause) => tracing::error!(cause = %chain(&**cause), "internal fault"),
    }
}

/// An error and its sources, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line
}
