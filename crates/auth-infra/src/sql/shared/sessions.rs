//! Sessions: the repository. Opening and refreshing differ between the engines.

use async_trait::async_trait;
use auth_domain::model::{
    ClientId, EndReason, JudgedRefresh, NewSession, RefreshAttempt, SecretDigest, Session, SessionId,
    Timestamp, User,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError, SessionRepository};

use super::prelude::{Connection, DbError, Row, Store};
use super::purge::purge;
use super::rows::{self, session_columns, user_columns};
use super::session_writes::{end, end_by_family};
use crate::sql::TxOutcome;

/// Selects sessions with their users; a condition follows.
macro_rules! select_sessions {
    ($condition:literal) => {
        concat!(
            "SELECT",
            session_columns!(),
            ",",
            user_columns!(),
            "FROM sessions JOIN accounts ON accounts.id = account_id WHERE ",
            $condition
        )
    };
}

const FIND: &str = select_sessions!("sessions.id = $1");

const FIND_BY_FAMILY: &str = select_sessions!("token_family = $1");

#[async_trait]
impl SessionRepository for Store {
    async fn open(&self, session: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        self.open_session(session, policy).await
    }

    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError> {
        self.db.read(session, |connection, session| Box::pin(find(connection, *session))).await
    }

    async fn find_by_family(&self, family: &SecretDigest) -> Result<Option<(Session, User)>, PortError> {
        self.db.read(*family, |connection, family| Box::pin(find_by_family(connection, *family))).await
    }

    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError> {
        self.refresh_session(attempt).await
    }

    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        self.db
            .write_grouped((session, reason, now), |connection, &(session, reason, now)| {
                Box::pin(async move { Ok(TxOutcome::revoking(end(connection, session, reason, now).await?)) })
            })
            .await
    }

    async fn end_by_family(
        &self,
        family: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        let args = (*family, client.clone(), reason, now);
        self.db
            .write_grouped(args, |connection, (family, client, reason, now)| {
                Box::pin(end_by_family(connection, family, client, *reason, *now))
            })
            .await
    }

    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError> {
        self.db
            .write((now, policy, limit), |connection, &(now, policy, limit)| {
                Box::pin(purge(connection, now, policy, limit))
            })
            .await
    }
}

async fn find(connection: &mut Connection, session: SessionId) -> Result<Option<(Session, User)>, DbError> {
    let row = sqlx::query(FIND).bind(session.0).fetch_optional(connection).await?;
    row.as_ref().map(session_with_user).transpose()
}

async fn find_by_family(
    connection: &mut Connection,
    family: SecretDigest,
) -> Result<Option<(Session, User)>, DbError> {
    let query = sqlx::query(FIND_BY_FAMILY).bind(family.as_bytes().to_vec());
    query.fetch_optional(connection).await?.as_ref().map(session_with_user).transpose()
}

fn session_with_user(row: &Row) -> Result<(Session, User), DbError> {
    Ok((rows::session(row)?, rows::user(row)?))
}
