//! Opening sessions in a batch on PostgreSQL (ADR 0016).

use auth_domain::model::{NewSession, UserStatus};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::OpenOutcome;
use sqlx::postgres::PgConnection;

use super::batcher::{BatchOutcome, BatchRequest, Pending};
use super::error::DbError;
use super::values::{array, from_time};

/// Opens sessions whose users are still as judged and have room, and returns for each whether it is open. A repetition changes
/// nothing more, so a lost answer is no reason to give up.
const OPEN: &str = include_str!("statements/open_sessions.sql");

/// The status that a user needs for a new session.
const JUDGED_STATUS: UserStatus = UserStatus::Active;

/// A session to open, and the number of other live sessions that its user may have.
pub(super) struct OpenRequest {
    new: NewSession,
    others_live: i64,
}

impl OpenRequest {
    /// Returns `None` if a batch cannot open the session: it compares with one status, and stores no ended session.
    pub(super) fn new(new: &NewSession, policy: &SessionPolicy) -> Option<Self> {
        let may_begin = new.may_begin(JUDGED_STATUS, new.password_version, &new.roles);
        let request = Self { new: new.clone(), others_live: i64::from(policy.max_others()) };
        (may_begin && new.session.end.is_none()).then_some(request)
    }
}

impl BatchRequest for OpenRequest {
    type Outcome = OpenOutcome;

    /// The statement counts all sessions that have not ended. These include all live ones, so room among them is enough.
    async fn execute(
        connection: &mut PgConnection,
        batch: &[Pending<Self>],
    ) -> Result<Vec<BatchOutcome<OpenOutcome>>, DbError> {
        let new = array(batch, |pending| &pending.request.new);
        let opened = sqlx::query_scalar(OPEN)
            .bind(array(&new, |_| JUDGED_STATUS.as_str()))
            .bind(array(&new, |new| new.password_version.0))
            .bind(array(&new, |new| new.roles.to_string()))
            .bind(array(batch, |pending| pending.request.others_live))
            .bind(array(&new, |new| new.session.id.0))
            .bind(array(&new, |new| new.session.user_id.0))
            .bind(array(&new, |new| new.session.client_id.as_str()))
            .bind(array(&new, |new| from_time(new.session.created_at)))
            .bind(array(&new, |new| from_time(new.session.last_refreshed_at)))
            .bind(array(&new, |new| from_time(new.session.expires_at)))
            .bind(array(&new, |new| new.family.as_bytes().as_slice()))
            .bind(array(&new, |new| new.credential.as_bytes().as_slice()))
            .fetch_all(connection)
            .await?;
        Ok(opened
            .into_iter()
            .map(
                |opened| {
                    if opened { BatchOutcome::Done(OpenOutcome::Opened) } else { BatchOutcome::RunAlone }
                },
            )
            .collect())
    }
}
