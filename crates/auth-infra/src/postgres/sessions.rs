//! Sessions on PostgreSQL.

use async_trait::async_trait;
use auth_domain::model::{
    ClientId, EndReason, JudgedRefresh, NewSession, RefreshAttempt, SecretDigest, Session, SessionId,
    Timestamp, User,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError, SessionRepository};
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;

use super::error::DbError;
use super::rows::{self, session_columns, stored, user_columns};
use super::{PostgresStore, open_session, refresh};
use crate::store::TxOutcome;

const FIND: &str = concat!(
    "SELECT",
    session_columns!(),
    ",",
    user_columns!(),
    "FROM sessions JOIN accounts ON accounts.id = account_id WHERE sessions.id = $1"
);

const END: &str = concat!(
    "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = ANY ($1) AND ended_at IS NULL RETURNING",
    session_columns!()
);

const END_BY_CREDENTIAL: &str = concat!(
    "UPDATE sessions SET ended_at = $3, end_reason = $4
     FROM refresh_credentials
     WHERE digest = $1 AND sessions.id = session_id AND client_id = $2 AND ended_at IS NULL
     RETURNING",
    session_columns!()
);

/// Sessions that are over, without those that somebody is at work on: they will be there the next time. Each part is read
/// off an index in its order, and not before those above it have given less than what was asked for; it leaves out what
/// they have. Of who was idle for too long only the day is in an index.
const OVER: &str = concat!(
    "WITH ended AS (
         SELECT * FROM sessions WHERE ended_at IS NOT NULL
         ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
     ), expired AS (
         SELECT * FROM sessions WHERE expires_at <= $1 AND ended_at IS NULL
         ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
     ), idle AS (
         SELECT * FROM sessions
         WHERE refreshed_on <= ($2 AT TIME ZONE 'UTC')::date AND last_refreshed_at <= $2 AND expires_at > $1
             AND ended_at IS NULL
         ORDER BY refreshed_on LIMIT $3 FOR UPDATE SKIP LOCKED
     )
     SELECT",
    session_columns!(),
    "FROM (SELECT * FROM ended UNION ALL SELECT * FROM expired UNION ALL SELECT * FROM idle) AS sessions
     LIMIT $3"
);

const DELETE_CREDENTIALS: &str = "
    DELETE FROM refresh_credentials
    WHERE digest IN (SELECT digest FROM refresh_credentials WHERE session_id = ANY ($1) LIMIT $2)";

/// Records of ends that no current access token can be of, 25 hours old: with a margin over
/// [`REVOCATION_RETENTION`](auth_domain::ports::REVOCATION_RETENTION). As with the triggers that write them, the clock is the server's.
const FORGET_ENDS: &str = "
    DELETE FROM revoked_sessions
    WHERE session_id IN (SELECT session_id FROM revoked_sessions
                         WHERE recorded_at < now() - interval '25 hours'
                         LIMIT $1 FOR UPDATE SKIP LOCKED)";

const DELETE: &str = "DELETE FROM sessions WHERE id = ANY ($1)";

#[async_trait]
impl SessionRepository for PostgresStore {
    async fn open(&self, session: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        self.at_once_or_in_a_transaction(
            open_session::where_there_is_room(self, session, policy),
            |mut lease| async move {
                let work = open_session::lock_and_open(&mut lease, session, policy).await;
                lease.end(work).await
            },
        )
        .await
    }

    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError> {
        self.at_once(|mut lease| async move {
            let row = sqlx::query(FIND).bind(session.0).fetch_optional(&mut *lease).await;
            let found = lease.answered(row)?;
            found.map(|row| Ok((rows::session(&row)?, rows::user(&row)?))).transpose()
        })
        .await
    }

    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError> {
        self.at_once_or_in_a_transaction(refresh::look(self, attempt), |mut lease| async move {
            let work = refresh::lock_and_judge(&mut lease, attempt).await;
            lease.end(work).await
        })
        .await
    }

    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        self.transaction(|mut lease| async move {
            let work = end(&mut lease, &[session], reason, now).await;
            lease.end(work.map(|mut ended| TxOutcome::revoking(ended.pop()))).await
        })
        .await
    }

    async fn end_by_credential(
        &self,
        credential: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        self.transaction(|mut lease| async move {
            let work = end_by_credential(&mut lease, credential, client, reason, now).await;
            lease.end(work).await
        })
        .await
    }

    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError> {
        self.transaction(|mut lease| async move {
            let work = purge(&mut lease, now, policy, limit).await;
            lease.end(work).await
        })
        .await
    }
}

/// Ends those of `sessions` that have not ended before, and returns them.
pub(super) async fn end(
    connection: &mut PgConnection,
    sessions: &[SessionId],
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<Session>, DbError> {
    let ids: Vec<Uuid> = sessions.iter().map(|session| session.0).collect();
    let query = sqlx::query(END).bind(ids).bind(stored(now)).bind(reason.as_str());
    query.fetch_all(connection).await?.iter().map(rows::session).collect()
}

async fn end_by_credential(
    connection: &mut PgConnection,
    credential: &SecretDigest,
    client: &ClientId,
    reason: EndReason,
    now: Timestamp,
) -> Result<TxOutcome<Option<Session>>, DbError> {
    let ended = sqlx::query(END_BY_CREDENTIAL)
        .bind(credential.as_bytes().as_slice())
        .bind(client.as_str())
        .bind(stored(now))
        .bind(reason.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(TxOutcome::revoking(ended.as_ref().map(rows::session).transpose()?))
}

async fn purge(
    connection: &mut PgConnection,
    now: Timestamp,
    policy: &SessionPolicy,
    limit: u32,
) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(FORGET_ENDS).bind(i64::from(limit));
    let mut purged = query.execute(&mut *connection).await?.rows_affected();
    let query =
        sqlx::query(OVER).bind(stored(now)).bind(stored(now.minus(policy.idle))).bind(i64::from(limit));
    let mut over = Vec::new();
    for row in query.fetch_all(&mut *connection).await? {
        let session = rows::session(&row)?;
        // The statement only knows where to look; what is over is the domain's to say.
        if !session.is_live(now, policy) {
            over.push(session.id.0);
        }
    }
    let query = sqlx::query(DELETE_CREDENTIALS).bind(&over).bind(i64::from(limit));
    let credentials = query.execute(&mut *connection).await?.rows_affected();
    purged += credentials;
    if credentials < u64::from(limit) {
        purged += sqlx::query(DELETE).bind(&over).execute(connection).await?.rows_affected();
    }
    Ok(if purged == 0 { TxOutcome::Rollback(0) } else { TxOutcome::Commit(purged) })
}
