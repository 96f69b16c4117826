//! Sessions on PostgreSQL.

use std::ops::ControlFlow::{self, Break, Continue};

use async_trait::async_trait;
use auth_domain::model::{
    ClientId, EndReason, JudgedRefresh, NewSession, RefreshAttempt, SecretDigest, Session, SessionId,
    Timestamp, User, UserStatus,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError, SessionRepository};
use sqlx::Row;
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;

use super::error::Fault;
use super::rows::{self, column, session_columns, stored, user_columns};
use super::together::{Asked, Decision, Question};
use super::{PostgresStore, refresh};
use crate::store::{Ending, may_begin};

/// Opens sessions that take nobody's place, for users who are as was judged; whether each is open. Doing it again changes
/// nothing more, so it may be done again when the answer was lost.
const OPEN: &str = "
    SELECT open_session(status, version, roles, others, id, account_id, client_id, created_at, refreshed_at, expires_at, digest)
    FROM unnest(
        $1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[],
        $9::timestamptz[], $10::timestamptz[], $11::bytea[])
        WITH ORDINALITY AS judged
            (status, version, roles, others, id, account_id, client_id, created_at, refreshed_at, expires_at, digest, place)
    ORDER BY place";

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

const FIND: &str = concat!(
    "SELECT",
    session_columns!(),
    ",",
    user_columns!(),
    "FROM sessions JOIN accounts ON accounts.id = account_id WHERE sessions.id = $1"
);

const END: &str =
    "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = ANY ($1) AND ended_at IS NULL";

const END_BY_CREDENTIAL: &str = "
    UPDATE sessions SET ended_at = $3, end_reason = $4
    FROM refresh_credentials
    WHERE digest = $1 AND sessions.id = session_id AND client_id = $2 AND ended_at IS NULL
    RETURNING sessions.id";

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
/// [`ENDS_KNOWN_FOR`](auth_domain::ports::ENDS_KNOWN_FOR). As with the triggers that write them, the clock is the server's.
const FORGET_ENDS: &str = "
    DELETE FROM ended_sessions
    WHERE session_id IN (SELECT session_id FROM ended_sessions
                         WHERE recorded_at < now() - interval '25 hours'
                         LIMIT $1 FOR UPDATE SKIP LOCKED)";

const DELETE: &str = "DELETE FROM sessions WHERE id = ANY ($1)";

#[async_trait]
impl SessionRepository for PostgresStore {
    async fn open(&self, session: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        self.at_once_or_in_a_transaction(
            open_where_there_is_room(self, session, policy),
            |mut lease| async move {
                let work = open(&mut lease, session, policy).await;
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

    async fn end(&self, session: SessionId, reason: EndReason, now: Timestamp) -> Result<bool, PortError> {
        self.transaction(|mut lease| async move {
            let work = end(&mut lease, &[session], reason, now).await;
            lease.end(work.map(|ended| Ending::if_ended(ended > 0))).await
        })
        .await
    }

    async fn end_by_credential(
        &self,
        credential: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<SessionId>, PortError> {
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

/// A session that is to be opened for a user whom it may begin for, and how many others of theirs may be live.
pub(super) struct Opening {
    new: NewSession,
    others_live: i64,
}

/// Opens a session without a lock, unless it takes more to know whether it may begin and whose place it takes.
async fn open_where_there_is_room(
    store: &PostgresStore,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<ControlFlow<OpenOutcome>, PortError> {
    if new.session.end.is_some() || !new.may_begin(JUDGED_STATUS, new.password_version, &new.roles) {
        return Ok(Continue(()));
    }
    let opening = Opening { new: new.clone(), others_live: i64::from(policy.others_live()) };
    match store.openings.ask(store, opening).await? {
        Decision::Made(opened) => Ok(Break(opened)),
        Decision::Again | Decision::Alone => Ok(Continue(())),
    }
}

impl Question for Opening {
    type Outcome = OpenOutcome;

    /// It counts all that have not ended, and they are at least those that are live: room beside them is room.
    async fn decide(
        connection: &mut PgConnection,
        asked: &[Asked<Self>],
    ) -> Result<Vec<Decision<OpenOutcome>>, Fault> {
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
        let outcome = |is_open| if is_open { Decision::Made(OpenOutcome::Opened) } else { Decision::Alone };
        Ok(are_open.into_iter().map(outcome).collect())
    }
}

async fn open(
    connection: &mut PgConnection,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<Ending<OpenOutcome>, Fault> {
    let session = &new.session;
    let user = sqlx::query_as(LOCK_USER).bind(session.user_id.0).fetch_optional(&mut *connection).await?;
    if !user.map_or(Ok(false), |user| may_begin(new, user))? {
        return Ok(Ending::RollBack(OpenOutcome::Refused));
    }
    let others = sqlx::query(NOT_ENDED).bind(session.user_id.0).fetch_all(&mut *connection).await?;
    let others = others.iter().map(rows::session).collect::<Result<_, _>>()?;
    let surplus = policy.surplus(others, session.created_at);
    if !surplus.is_empty() {
        end(connection, &surplus, EndReason::Superseded, session.created_at).await?;
    }
    insert(connection, new).await?;
    let opened = OpenOutcome::Opened;
    Ok(if surplus.is_empty() { Ending::Commit(opened) } else { Ending::CommitEnds(opened) })
}

async fn insert(connection: &mut PgConnection, new: &NewSession) -> Result<(), Fault> {
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

/// Ends those of `sessions` that have not ended before; how many they were.
pub(super) async fn end(
    connection: &mut PgConnection,
    sessions: &[SessionId],
    reason: EndReason,
    now: Timestamp,
) -> Result<u64, Fault> {
    let ids: Vec<Uuid> = sessions.iter().map(|session| session.0).collect();
    let query = sqlx::query(END).bind(ids).bind(stored(now)).bind(reason.as_str());
    Ok(query.execute(connection).await?.rows_affected())
}

async fn end_by_credential(
    connection: &mut PgConnection,
    credential: &SecretDigest,
    client: &ClientId,
    reason: EndReason,
    now: Timestamp,
) -> Result<Ending<Option<SessionId>>, Fault> {
    let ended = sqlx::query(END_BY_CREDENTIAL)
        .bind(credential.as_bytes().as_slice())
        .bind(client.as_str())
        .bind(stored(now))
        .bind(reason.as_str())
        .fetch_optional(connection)
        .await?;
    match ended {
        Some(row) => Ok(Ending::CommitEnds(Some(SessionId(row.try_get("id")?)))),
        None => Ok(Ending::RollBack(None)),
    }
}

async fn purge(
    connection: &mut PgConnection,
    now: Timestamp,
    policy: &SessionPolicy,
    limit: u32,
) -> Result<Ending<u64>, Fault> {
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
    Ok(if purged == 0 { Ending::RollBack(0) } else { Ending::Commit(purged) })
}
