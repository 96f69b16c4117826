//! Opening a session on PostgreSQL: without a lock and in a batch if it evicts no session; otherwise lock, read, judge, write.

use std::ops::ControlFlow::{self, Break, Continue};

use auth_domain::model::{EndReason, NewSession, UserStatus};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError};
use sqlx::postgres::PgConnection;

use super::batcher::{BatchOutcome, BatchRequest, Pending};
use super::error::DbError;
use super::rows::{self, column, session_columns, stored};
use super::{PostgresStore, sessions};
use crate::store::{TxOutcome, may_begin};

/// Opens sessions that evict no other, for users who are as was judged; whether each is open. Doing it again changes
/// nothing more, so it may be done again when the answer was lost.
const OPEN: &str = "
    SELECT open_session(status, version, roles, others, id, account_id, client_id, created_at, refreshed_at, expires_at, digest)
    FROM unnest(
        $1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[],
        $9::timestamptz[], $10::timestamptz[], $11::bytea[])
        WITH ORDINALITY AS judged
            (status, version, roles, others, id, account_id, client_id, created_at, refreshed_at, expires_at, digest, ordinal)
    ORDER BY ordinal";

/// The status of a user whom a session may begin for.
const JUDGED_STATUS: UserStatus = UserStatus::Active;

const LOCK_USER: &str =
    "SELECT status, password_version, roles FROM accounts WHERE id = $1 FOR NO KEY UPDATE";

const NOT_ENDED: &str =
    concat!("SELECT", session_columns!(), "FROM sessions WHERE account_id = $1 AND ended_at IS NULL");

const INSERT: &str = "
    WITH session AS (
        INSERT INTO sessions
            (id, account_id, client_id, created_at, last_refreshed_at, expires_at, ended_at, end_reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    )
    INSERT INTO refresh_credentials (digest, session_id) VALUES ($9, $1)";

/// A session that is to be opened for a user whom it may begin for, and how many others of theirs may be live.
pub(super) struct Opening {
    new: NewSession,
    others_live: i64,
}

/// Opens a session without a lock, unless it takes more to know whether it may begin and which session it evicts.
pub(super) async fn where_there_is_room(
    store: &PostgresStore,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<ControlFlow<OpenOutcome>, PortError> {
    if new.session.end.is_some() || !new.may_begin(JUDGED_STATUS, new.password_version, &new.roles) {
        return Ok(Continue(()));
    }
    let opening = Opening { new: new.clone(), others_live: i64::from(policy.max_others()) };
    match store.openings.ask(store, opening).await? {
        BatchOutcome::Done(opened) => Ok(Break(opened)),
        BatchOutcome::Retry | BatchOutcome::RunAlone => Ok(Continue(())),
    }
}

impl BatchRequest for Opening {
    type Outcome = OpenOutcome;

    /// It counts all that have not ended, and they are at least those that are live: room beside them is room.
    async fn decide(
        connection: &mut PgConnection,
        asked: &[Pending<Self>],
    ) -> Result<Vec<BatchOutcome<OpenOutcome>>, DbError> {
        let are_open = sqlx::query_scalar(OPEN)
            .bind(column(asked, |_| JUDGED_STATUS.as_str()))
            .bind(column(asked, |asked| asked.question.new.password_version.0))
            .bind(column(asked, |asked| asked.question.new.roles.to_string()))
            .bind(column(asked, |asked| asked.question.others_live))
            .bind(column(asked, |asked| asked.question.new.session.id.0))
            .bind(column(asked, |asked| asked.question.new.session.user_id.0))
            .bind(column(asked, |asked| asked.question.new.session.client_id.as_str()))
            .bind(column(asked, |asked| stored(asked.question.new.session.created_at)))
            .bind(column(asked, |asked| stored(asked.question.new.session.last_refreshed_at)))
            .bind(column(asked, |asked| stored(asked.question.new.session.expires_at)))
            .bind(column(asked, |asked| asked.question.new.credential.as_bytes().as_slice()))
            .fetch_all(connection)
            .await?;
        let outcome =
            |is_open| if is_open { BatchOutcome::Done(OpenOutcome::Opened) } else { BatchOutcome::RunAlone };
        Ok(are_open.into_iter().map(outcome).collect())
    }
}

/// Opens a session under a lock of the user, in a transaction of the caller's.
pub(super) async fn lock_and_open(
    connection: &mut PgConnection,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<TxOutcome<OpenOutcome>, DbError> {
    let session = &new.session;
    let user = sqlx::query_as(LOCK_USER).bind(session.user_id.0).fetch_optional(&mut *connection).await?;
    if !user.map_or(Ok(false), |user| may_begin(new, user))? {
        return Ok(TxOutcome::Rollback(OpenOutcome::Denied));
    }
    let others = sqlx::query(NOT_ENDED).bind(session.user_id.0).fetch_all(&mut *connection).await?;
    let others = others.iter().map(rows::session).collect::<Result<_, _>>()?;
    let surplus = policy.surplus(others, session.created_at);
    if !surplus.is_empty() {
        sessions::end(connection, &surplus, EndReason::Superseded, session.created_at).await?;
    }
    insert(connection, new).await?;
    let opened = OpenOutcome::Opened;
    Ok(if surplus.is_empty() { TxOutcome::Commit(opened) } else { TxOutcome::CommitRevoking(opened) })
}

async fn insert(connection: &mut PgConnection, new: &NewSession) -> Result<(), DbError> {
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
