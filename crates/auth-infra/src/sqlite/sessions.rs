//! Sessions on SQLite.

use async_trait::async_trait;
use auth_domain::model::{
    ClientId, EndReason, JudgedRefresh, NewSession, RefreshAttempt, SecretDigest, Session, SessionId,
    Timestamp, User, UserStatus,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError, SessionRepository};
use sqlx::sqlite::SqliteConnection;

use super::error::DbError;
use super::rows::{self, session_columns, stored, user_columns};
use super::{SqliteStore, refresh};
use crate::store::{TxOutcome, may_begin};

/// Opens a session that evicts no other, for a user who is as was judged.
///
/// The sum is there because SQLite (3.51) prepares a statement anew whenever a value is bound to its `LIMIT`.
const OPEN: &str = "
    INSERT INTO sessions (id, account_id, client_id, created_at, last_refreshed_at, expires_at)
    SELECT ?1, id, ?3, ?4, ?5, ?6 FROM accounts
    WHERE id = ?2 AND status = ?7 AND password_version = ?8 AND roles = ?9
        AND ?10 >= (SELECT count(*) FROM (
            SELECT 1 FROM sessions WHERE account_id = ?2 AND ended_at IS NULL LIMIT 1 + ?10));
    INSERT INTO refresh_credentials (digest, session_id) SELECT ?11, ?1 WHERE changes() > 0";

const FIND_USER: &str = "SELECT status, password_version, roles FROM accounts WHERE id = ?1";

const NOT_ENDED: &str =
    concat!("SELECT", session_columns!(), "FROM sessions WHERE account_id = ?1 AND ended_at IS NULL");

const INSERT: &str = "
    INSERT INTO sessions
        (id, account_id, client_id, created_at, last_refreshed_at, expires_at, ended_at, end_reason)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);
    INSERT INTO refresh_credentials (digest, session_id) VALUES (?9, ?1)";

const FIND: &str = concat!(
    "SELECT",
    session_columns!(),
    ",",
    user_columns!(),
    "FROM sessions JOIN accounts ON accounts.id = account_id WHERE sessions.id = ?1"
);

const END: &str = concat!(
    "UPDATE sessions SET ended_at = ?2, end_reason = ?3 WHERE id = ?1 AND ended_at IS NULL RETURNING",
    session_columns!()
);

const END_BY_CREDENTIAL: &str = concat!(
    "UPDATE sessions SET ended_at = ?3, end_reason = ?4
     FROM refresh_credentials
     WHERE digest = ?1 AND sessions.id = session_id AND client_id = ?2 AND ended_at IS NULL
     RETURNING",
    session_columns!()
);

/// Sessions that are over. Each part leaves out what those before it have, and is there because SQLite would not use three
/// indexes for one `OR`. Of who was idle for too long only the day is in an index.
const OVER: &str = concat!(
    "SELECT",
    session_columns!(),
    "FROM sessions WHERE id IN (
         SELECT id FROM sessions WHERE ended_at IS NOT NULL
         UNION ALL
         SELECT id FROM sessions WHERE expires_at <= ?1 AND ended_at IS NULL
         UNION ALL
         SELECT id FROM sessions
         WHERE refreshed_on <= ?2 / 86400000000 AND last_refreshed_at <= ?2 AND expires_at > ?1
             AND ended_at IS NULL
         LIMIT ?3)"
);

const DELETE_CREDENTIALS: &str = "
    DELETE FROM refresh_credentials
    WHERE digest IN (SELECT digest FROM refresh_credentials WHERE session_id = ?1 LIMIT ?2)";

/// Records of ends that no current access token can be of, 25 hours old: with a margin over
/// [`REVOCATION_RETENTION`](auth_domain::ports::REVOCATION_RETENTION). As with the triggers that write them, the clock is SQLite's.
const FORGET_ENDS: &str = "
    DELETE FROM revoked_sessions
    WHERE number IN (SELECT number FROM revoked_sessions
                     WHERE recorded_at < unixepoch() * 1000000 - 90000000000 LIMIT ?1)";

const DELETE: &str = "DELETE FROM sessions WHERE id = ?1";

#[async_trait]
impl SessionRepository for SqliteStore {
    async fn open(&self, session: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        let (session, policy) = (session.clone(), policy.clone());
        self.shared_transaction(|connection| {
            Box::pin(async move { open(connection, &session, &policy).await })
        })
        .await
    }

    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError> {
        self.read(|mut lease| async move {
            let row = sqlx::query(FIND).bind(session.0).fetch_optional(&mut *lease).await;
            let found = lease.answered(row)?;
            found.map(|row| Ok((rows::session(&row)?, rows::user(&row)?))).transpose()
        })
        .await
    }

    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError> {
        let attempt = attempt.clone();
        self.shared_transaction(|connection| {
            Box::pin(async move { refresh::refresh(connection, &attempt).await })
        })
        .await
    }

    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        self.shared_transaction(move |connection| {
            Box::pin(async move {
                let ended = end(connection, &[session], reason, now).await?.pop();
                Ok(TxOutcome::revoking(ended))
            })
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
        let (credential, client) = (*credential, client.clone());
        self.shared_transaction(move |connection| {
            Box::pin(async move { end_by_credential(connection, &credential, &client, reason, now).await })
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

async fn open(
    connection: &mut SqliteConnection,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<TxOutcome<OpenOutcome>, DbError> {
    if open_where_there_is_room(connection, new, policy).await? {
        return Ok(TxOutcome::Commit(OpenOutcome::Opened));
    }
    let session = &new.session;
    let user = sqlx::query_as(FIND_USER).bind(session.user_id.0).fetch_optional(&mut *connection).await?;
    if !user.map_or(Ok(false), |user| may_begin(new, user))? {
        return Ok(TxOutcome::Rollback(OpenOutcome::Denied));
    }
    let others = sqlx::query(NOT_ENDED).bind(session.user_id.0).fetch_all(&mut *connection).await?;
    let others = others.iter().map(rows::session).collect::<Result<_, _>>()?;
    let surplus = policy.surplus(others, session.created_at);
    if !surplus.is_empty() {
        end(connection, &surplus, EndReason::Superseded, session.created_at).await?;
    }
    insert(connection, new).await?;
    let opened = OpenOutcome::Opened;
    Ok(if surplus.is_empty() { TxOutcome::Commit(opened) } else { TxOutcome::CommitRevoking(opened) })
}

/// Opens a session at once, unless it takes more to know whether it may begin and which session it evicts. That others have
/// not ended is more than that they are live: where there is room beside those, there is.
async fn open_where_there_is_room(
    connection: &mut SqliteConnection,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<bool, DbError> {
    let NewSession { session, credential, password_version, roles } = new;
    let status = UserStatus::Active;
    if session.end.is_some() || !new.may_begin(status, *password_version, roles) {
        return Ok(false);
    }
    let query = sqlx::query(OPEN)
        .bind(session.id.0)
        .bind(session.user_id.0)
        .bind(session.client_id.as_str())
        .bind(stored(session.created_at))
        .bind(stored(session.last_refreshed_at))
        .bind(stored(session.expires_at))
        .bind(status.as_str())
        .bind(password_version.0)
        .bind(roles.to_string())
        .bind(i64::from(policy.max_others()))
        .bind(credential.as_bytes().as_slice());
    Ok(query.execute(connection).await?.rows_affected() > 0)
}

async fn insert(connection: &mut SqliteConnection, new: &NewSession) -> Result<(), DbError> {
    let NewSession { session, credential, .. } = new;
    sqlx::query(INSERT)
        .bind(session.id.0)
        .bind(session.user_id.0)
        .bind(session.client_id.as_str())
        .bind(stored(session.created_at))
        .bind(stored(session.last_refreshed_at))
        .bind(stored(session.expires_at))
        .bind(session.end.map(|end| stored(end.at)))
        .bind(session.end.map(|end| end.reason.as_str()))
        .bind(credential.as_bytes().as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends those of `sessions` that have not ended before, and returns them.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    sessions: &[SessionId],
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<Session>, DbError> {
    let mut ended = Vec::new();
    for session in sessions {
        let query = sqlx::query(END).bind(session.0).bind(stored(now)).bind(reason.as_str());
        ended.extend(query.fetch_optional(&mut *connection).await?.as_ref().map(rows::session).transpose()?);
    }
    Ok(ended)
}

async fn end_by_credential(
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
    now: Timestamp,
    policy: &SessionPolicy,
    limit: u32,
) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(FORGET_ENDS).bind(i64::from(limit));
    let forgotten = query.execute(&mut *connection).await?.rows_affected();
    let query =
        sqlx::query(OVER).bind(stored(now)).bind(stored(now.minus(policy.idle))).bind(i64::from(limit));
    let (mut sessions, mut credentials) = (0, 0);
    for row in query.fetch_all(&mut *connection).await? {
        let session = rows::session(&row)?;
        // The statement only knows where to look; what is over is the domain's to say.
        if session.is_live(now, policy) {
            continue;
        }
        let room = i64::from(limit) - credentials;
        let query = sqlx::query(DELETE_CREDENTIALS).bind(session.id.0).bind(room);
        let deleted = query.execute(&mut *connection).await?.rows_affected().cast_signed();
        credentials += deleted;
        if deleted == room {
            break; // it may have more
        }
        let query = sqlx::query(DELETE).bind(session.id.0);
        sessions += query.execute(&mut *connection).await?.rows_affected();
    }
    let purged = forgotten + sessions + credentials.cast_unsigned();
    Ok(if purged == 0 { TxOutcome::Rollback(0) } else { TxOutcome::Commit(purged) })
}
