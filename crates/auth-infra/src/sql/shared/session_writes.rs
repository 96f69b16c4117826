//! Writes of sessions, each in a transaction of the caller.

use auth_domain::model::{ClientId, EndReason, NewSession, SecretDigest, Session, SessionId, Timestamp};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::OpenOutcome;

use super::prelude::{Connection, DbError, from_time, row_lock};
use super::rows::{self, session_columns};
use crate::sql::TxOutcome;

const LOCK_USER: &str =
    concat!("SELECT status, password_version, roles FROM accounts WHERE id = $1", row_lock!());

const NOT_ENDED: &str =
    concat!("SELECT", session_columns!(), "FROM sessions WHERE account_id = $1 AND ended_at IS NULL");

const END: &str = concat!(
    "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL RETURNING",
    session_columns!()
);

const END_BY_FAMILY: &str = concat!(
    "UPDATE sessions SET ended_at = $3, end_reason = $4
     WHERE token_family = $1 AND client_id = $2 AND ended_at IS NULL RETURNING",
    session_columns!()
);

const INSERT: &str = include_str!("../statements/insert_session.sql");

/// Locks the user, evicts the sessions that exceed the policy, and stores the new one.
pub(crate) async fn open_and_evict(
    connection: &mut Connection,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<TxOutcome<OpenOutcome>, DbError> {
    let session = &new.session;
    let user = sqlx::query(LOCK_USER).bind(session.user_id.0).fetch_optional(&mut *connection).await?;
    if !user.map_or(Ok(false), |user| rows::may_begin(new, &user))? {
        return Ok(TxOutcome::Rollback(OpenOutcome::Denied));
    }
    let others = sqlx::query(NOT_ENDED).bind(session.user_id.0).fetch_all(&mut *connection).await?;
    let others = others.iter().map(rows::session).collect::<Result<_, _>>()?;
    let surplus = policy.surplus(others, session.created_at);
    // Usually one session: more only after the policy was lowered. So a statement for each is enough.
    for evicted in &surplus {
        end(connection, *evicted, EndReason::Superseded, session.created_at).await?;
    }
    insert(connection, new).await?;
    let opened = OpenOutcome::Opened;
    Ok(if surplus.is_empty() { TxOutcome::Commit(opened) } else { TxOutcome::CommitRevoking(opened) })
}

/// Ends the session unless it has ended before, and returns it.
pub(crate) async fn end(
    connection: &mut Connection,
    session: SessionId,
    reason: EndReason,
    now: Timestamp,
) -> Result<Option<Session>, DbError> {
    let query = sqlx::query(END).bind(session.0).bind(from_time(now)).bind(reason.as_str());
    query.fetch_optional(connection).await?.as_ref().map(rows::session).transpose()
}

/// Ends the session of `client` with this token family, and returns it.
pub(crate) async fn end_by_family(
    connection: &mut Connection,
    family: &SecretDigest,
    client: &ClientId,
    reason: EndReason,
    now: Timestamp,
) -> Result<TxOutcome<Option<Session>>, DbError> {
    let ended = sqlx::query(END_BY_FAMILY)
        .bind(family.as_bytes().as_slice())
        .bind(client.as_str())
        .bind(from_time(now))
        .bind(reason.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(TxOutcome::revoking(ended.as_ref().map(rows::session).transpose()?))
}

async fn insert(connection: &mut Connection, new: &NewSession) -> Result<(), DbError> {
    let NewSession { session, family, credential, .. } = new;
    sqlx::query(INSERT)
        .bind(session.id.0)
        .bind(session.user_id.0)
        .bind(session.client_id.as_str())
        .bind(family.as_bytes().as_slice())
        .bind(from_time(session.created_at))
        .bind(from_time(session.last_refreshed_at))
        .bind(from_time(session.expires_at))
        .bind(session.end.map(|end| from_time(end.at)))
        .bind(session.end.map(|end| end.reason.as_str()))
        .bind(credential.as_bytes().as_slice())
        .execute(connection)
        .await?;
    Ok(())
}
