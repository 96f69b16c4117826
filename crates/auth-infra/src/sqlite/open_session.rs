//! Opening a session on SQLite: by one statement if the session evicts no other, else by [`open_and_evict`].

use auth_domain::model::{NewSession, UserStatus};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError};
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::shared::session_writes::open_and_evict;
use super::values::from_time;
use crate::sql::TxOutcome;

/// Inserts the session if the user is still as judged and has room.
///
/// The limit is a sum, because SQLite (3.51) prepares a statement again whenever a value is bound to its `LIMIT`.
const OPEN: &str = include_str!("statements/open_session.sql");

impl SqliteStore {
    /// Opens a session, and evicts others if the policy requires it.
    pub(super) async fn open_session(
        &self,
        new: &NewSession,
        policy: &SessionPolicy,
    ) -> Result<OpenOutcome, PortError> {
        self.db
            .write_grouped((new.clone(), policy.clone()), |connection, (new, policy)| {
                Box::pin(open(connection, new, policy))
            })
            .await
    }
}

async fn open(
    connection: &mut SqliteConnection,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<TxOutcome<OpenOutcome>, DbError> {
    if open_with_room(connection, new, policy).await? {
        Ok(TxOutcome::Commit(OpenOutcome::Opened))
    } else {
        open_and_evict(connection, new, policy).await
    }
}

/// Opens the session if it evicts no other, and returns whether it did. The statement counts all sessions that have not ended.
/// These include all live ones, so room among them is enough.
async fn open_with_room(
    connection: &mut SqliteConnection,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<bool, DbError> {
    let NewSession { session, family, credential, password_version, roles } = new;
    let status = UserStatus::Active;
    if session.end.is_some() || !new.may_begin(status, *password_version, roles) {
        return Ok(false);
    }
    let query = sqlx::query(OPEN)
        .bind(session.id.0)
        .bind(session.user_id.0)
        .bind(session.client_id.as_str())
        .bind(family.as_bytes().as_slice())
        .bind(from_time(session.created_at))
        .bind(from_time(session.last_refreshed_at))
        .bind(from_time(session.expires_at))
        .bind(credential.as_bytes().as_slice())
        .bind(status.as_str())
        .bind(password_version.0)
        .bind(roles.to_string())
        .bind(i64::from(policy.max_others()));
    Ok(query.execute(connection).await?.rows_affected() > 0)
}
