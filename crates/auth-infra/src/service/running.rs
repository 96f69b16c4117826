//! A service with its background tasks.

use std::fs::File;
use std::sync::Arc;

use auth_domain::Auth;
use auth_domain::model::Client;
use parking_lot::Mutex;

use super::background;
use super::error::StartError;
use super::jwks::Jwks;
use super::open::OpenService;
use super::readiness::NotReady;
use super::schema::Schema;
use super::single_process;
use crate::store::EndedSessions;
use crate::system::SystemClock;
use crate::token::KeyRing;

/// A running authentication service, which owns its store, signing keys and background tasks.
///
/// A program creates one when it starts ([`Service::sqlite`], [`Service::postgres`]), shares it with its request handlers in an
/// `Arc`, and calls [`close`](Self::close) after the last request.
pub struct Service {
    open: OpenService,
    schema: Arc<Schema>,
    ended_sessions: EndedSessions,
    /// The lock that shows other servers that this one uses the SQLite file.
    claim: Mutex<Option<File>>,
}

impl Service {
    pub(super) async fn start(open: OpenService) -> Result<Self, StartError> {
        let claim = Mutex::new(open.file.as_deref().and_then(single_process::claim));
        let schema = Arc::new(Schema::new(open.store.clone()));
        if let Err(error) = schema.migrate().await {
            open.close().await;
            return Err(StartError::Schema(error));
        }
        background::start(&open, &schema);
        let ended_sessions = open.store.ended_sessions(Arc::new(SystemClock));
        Ok(Self { open, schema, ended_sessions, claim })
    }

    /// The use cases. Clones share their state.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        self.open.auth()
    }

    /// The first client of the builder.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.open.client
    }

    /// The signing keys.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        self.open.keys()
    }

    /// The public keys, to be served at `/.well-known/jwks.json`, and how long verifiers may cache them.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        Jwks { document: self.keys().jwks(), max_age: self.open.jwks_max_age }
    }

    /// The feed of ended sessions, by which resource servers learn which access tokens to refuse.
    ///
    /// Call [`stop_waiting`](EndedSessions::stop_waiting) when the server stops: otherwise it waits for the followers.
    #[must_use]
    pub fn ended_sessions(&self) -> &EndedSessions {
        &self.ended_sessions
    }

    /// Whether the schema is up to date. If not, the store has been unavailable since the start.
    #[must_use]
    pub fn has_current_schema(&self) -> bool {
        self.schema.is_current()
    }

    /// Checks within two seconds that the service can answer requests: the store serves, the background tasks run, and the
    /// clock is right.
    ///
    /// A load balancer should send no requests to a node that is not ready. The reason is for the log, not for the public.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub async fn check_ready(&self) -> Result<(), NotReady> {
        if !self.has_current_schema() {
            return Err(NotReady::Schema);
        }
        if let Some(lag) = self.auth().clock_lag() {
            return Err(NotReady::Clock(lag));
        }
        if let Some(task) = self.open.tasks.stopped().first() {
            return Err(NotReady::Task(task));
        }
        Ok(self.open.store.check().await?)
    }

    /// Stops the background tasks, stores the audit events that wait and closes the store. For an unavailable store it waits a
    /// few seconds.
    ///
    /// Call it when the server has answered its last request. Later calls of use cases fail. Calling `close` again does
    /// nothing. The runtime of [`start`](super::ServiceBuilder::start) must still run.
    pub async fn close(&self) {
        self.open.close().await;
        self.claim.lock().take();
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use std::time::Duration;

    use auth_domain::model::{ClientId, RefreshStyle, SessionId};
    use auth_domain::ports::SessionState;
    use tokio::time::sleep;

    use super::*;

    async fn started(dir: &tempfile::TempDir) -> Service {
        let client = Client::new(ClientId::from_static("web"), RefreshStyle::Rotating);
        let builder = Service::sqlite(dir.path().join("data")).issuer("https://auth.example").client(client);
        builder.start().await.expect("a service")
    }

    #[tokio::test]
    async fn revocation_feed_answers_without_a_query() {
        let dir = tempfile::tempdir().expect("a directory");
        let service = started(&dir).await;
        let feed = service.open.store.revocations();
        let session = SessionId(uuid::Uuid::from_u128(1));
        for _ in 0..100 {
            if feed.session_state(session) == SessionState::Live {
                return service.close().await;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("the feed has not synchronised within two seconds");
    }

    #[tokio::test]
    async fn task_that_panics_is_named_until_it_runs_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let service = started(&dir).await;
        service.open.tasks.spawn("broken task", |_| async { panic!("by intention") });
        sleep(Duration::from_millis(50)).await;
        let reason = service.check_ready().await.expect_err("not ready").to_string();
        assert_eq!(reason, "the background task broken task does not run");
        service.close().await;
    }
}
