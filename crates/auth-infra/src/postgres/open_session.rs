//! Opening a session on PostgreSQL: in a batch and without waiting for a lock, if the session evicts no other. Otherwise
//! [`open_and_evict`] locks the user, reads, judges and writes (ADR 0012 and 0016).

use std::pin::pin;

use auth_domain::model::NewSession;
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError};

use super::PostgresStore;
use super::batcher::BatchOutcome;
use super::open_request::OpenRequest;
use super::shared::session_writes::open_and_evict;
use crate::sql::{DEADLINE, within};

impl PostgresStore {
    /// Opens a session, and evicts others if the policy requires it.
    pub(super) async fn open_session(
        &self,
        new: &NewSession,
        policy: &SessionPolicy,
    ) -> Result<OpenOutcome, PortError> {
        let work = pin!(async {
            if let Some(request) = OpenRequest::new(new, policy)
                && let BatchOutcome::Done(opened) = self.openings.submit(&self.db, request).await?
            {
                return Ok(opened);
            }
            self.db
                .write((new, policy), |connection, &(new, policy)| {
                    Box::pin(open_and_evict(connection, new, policy))
                })
                .await
        });
        within(DEADLINE, work).await
    }
}
