//! Sessions as records.

use async_trait::async_trait;

use super::RecordStore;
use super::key_value_store::{KeyValueStore, ReadTransaction, Table, WriteTransaction};
use super::rows::{
    PAGE, SessionRow, SessionTime, UserRow, corrupt, find, get, id_key, insert, keys_from, last_16, remove,
    replace, session_key, sessions_key,
};
use crate::model::{
    ClientId, CredentialChain, EndReason, JudgedRefresh, NewSession, RefreshAttempt, RefreshRecord,
    RefreshVerdict, SecretDigest, Session, SessionEnd, SessionId, SessionPolicy, Timestamp, User, UserId,
};
use crate::ports::{OpenOutcome, PortError, RevocationFeed, SessionRepository, SessionState};

#[async_trait]
impl<S: KeyValueStore + 'static> SessionRepository for RecordStore<S> {
    async fn open(&self, session: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        let (session, policy) = (session.clone(), policy.clone());
        self.write(move |tx| open(tx, &session, &policy)).await
    }

    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError> {
        let found = self.read(move |tx| {
            let Some(row) = get::<SessionRow>(tx, &session_key(session))? else { return Ok(None) };
            let user = user_of(tx, &row)?;
            Ok(Some((row.session, user)))
        });
        found.await
    }

    async fn find_by_family(&self, family: &SecretDigest) -> Result<Option<(Session, User)>, PortError> {
        let family = *family;
        let found = self.read(move |tx| {
            let row = find::<SessionRow>(tx, Table::SessionFamilies, family.as_bytes())?;
            row.map(|row| Ok((row.session.clone(), user_of(tx, &row)?))).transpose()
        });
        found.await
    }

    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError> {
        let attempt = attempt.clone();
        self.write(move |tx| refresh(tx, &attempt)).await
    }

    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        let ended = self.write(move |tx| {
            let Some(row) = get::<SessionRow>(tx, &session_key(session))? else { return Ok(None) };
            end(tx, &row, SessionEnd { at: now, reason })
        });
        ended.await
    }

    async fn end_by_family(
        &self,
        family: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        let (family, client) = (*family, client.clone());
        let ended = self.write(move |tx| {
            let row = find::<SessionRow>(tx, Table::SessionFamilies, family.as_bytes())?;
            match row.filter(|row| row.session.client_id == client) {
                Some(row) => end(tx, &row, SessionEnd { at: now, reason }),
                None => Ok(None),
            }
        });
        ended.await
    }

    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError> {
        let policy = policy.clone();
        self.write(move |tx| purge(tx, now, &policy, limit)).await
    }
}

/// Reads the session on the calling thread.
impl<S: KeyValueStore> RevocationFeed for RecordStore<S> {
    /// A missing session was deleted, or it was not live when it was purged.
    fn session_state(&self, session: SessionId) -> SessionState {
        let mut found = None;
        let read = self.store().read(&mut |tx| {
            found = get::<SessionRow>(tx, &session_key(session))?;
            Ok(())
        });
        match (read, found) {
            (Err(_), _) => SessionState::Unknown,
            (Ok(()), Some(row)) if row.session.end.is_none() => SessionState::Live,
            (Ok(()), _) => SessionState::Ended,
        }
    }
}

fn open(
    tx: &mut dyn WriteTransaction,
    new: &NewSession,
    policy: &SessionPolicy,
) -> Result<OpenOutcome, PortError> {
    let session = &new.session;
    if tx.get(Table::Sessions, &session_key(session.id))?.is_some()
        || tx.get(Table::SessionFamilies, new.family.as_bytes())?.is_some()
    {
        return Err(corrupt("a session with this id or token family exists"));
    }
    let user = get::<UserRow>(tx, &id_key(session.user_id))?;
    let may_begin =
        user.is_some_and(|row| new.may_begin(row.user.status, row.password.version, &row.user.roles));
    if !may_begin {
        return Ok(OpenOutcome::Denied);
    }
    end_surplus_for(tx, session, policy)?;
    let chain = CredentialChain::new(new.credential);
    insert(tx, &SessionRow { session: session.clone(), family: new.family, chain })?;
    Ok(OpenOutcome::Opened)
}

/// Ends the oldest live sessions of the user of `new`, as far as the limit requires it.
fn end_surplus_for(
    tx: &mut dyn WriteTransaction,
    new: &Session,
    policy: &SessionPolicy,
) -> Result<(), PortError> {
    let keys = keys_from(tx, Table::SessionUsers, &sessions_key(new.user_id, false))?;
    // The live sessions are among these, so few of them cannot exceed the limit.
    if keys.len() <= usize::try_from(policy.max_others()).unwrap_or(usize::MAX) {
        return Ok(());
    }
    let others =
        keys.iter().map(|key| session_at(tx, key).map(|row| row.session)).collect::<Result<Vec<_>, _>>()?;
    for session in policy.surplus(others, new.created_at) {
        let row = session_at(tx, &session_key(session))?;
        end(tx, &row, SessionEnd { at: new.created_at, reason: EndReason::Superseded })?;
    }
    Ok(())
}

fn refresh(
    tx: &mut dyn WriteTransaction,
    attempt: &RefreshAttempt,
) -> Result<Option<JudgedRefresh>, PortError> {
    let Some(row) = find::<SessionRow>(tx, Table::SessionFamilies, attempt.family.as_bytes())? else {
        return Ok(None);
    };
    let user = user_of(tx, &row)?;
    let record = RefreshRecord { user, session: row.session.clone(), chain: row.chain.clone() };
    let judged = record.judged(attempt);
    match &judged.verdict {
        RefreshVerdict::Rotate(_) | RefreshVerdict::Extend => {
            let mut new = SessionRow { chain: judged.chain_after().clone(), ..row.clone() };
            new.session.last_refreshed_at = attempt.received_at;
            replace(tx, &row, &new)?;
        }
        RefreshVerdict::Replay => {
            end(tx, &row, SessionEnd { at: attempt.received_at, reason: EndReason::Replayed })?;
        }
        RefreshVerdict::Retry(_) | RefreshVerdict::Deny(_) => {}
    }
    Ok(Some(judged))
}

/// Ends a session and returns it. Returns `None` when it has ended before.
fn end(
    tx: &mut dyn WriteTransaction,
    row: &SessionRow,
    end: SessionEnd,
) -> Result<Option<Session>, PortError> {
    if row.session.end.is_some() {
        return Ok(None);
    }
    let ended = SessionRow { session: Session { end: Some(end), ..row.session.clone() }, ..row.clone() };
    replace(tx, row, &ended)?;
    Ok(Some(ended.session))
}

/// Ends every session of `user` that has not ended before.
pub(super) fn end_sessions_of(
    tx: &mut dyn WriteTransaction,
    user: UserId,
    reason: EndReason,
    at: Timestamp,
) -> Result<(), PortError> {
    for key in keys_from(tx, Table::SessionUsers, &sessions_key(user, false))? {
        let row = session_at(tx, &key)?;
        end(tx, &row, SessionEnd { at, reason })?;
    }
    Ok(())
}

pub(super) fn remove_sessions_of(tx: &mut dyn WriteTransaction, user: UserId) -> Result<(), PortError> {
    for key in keys_from(tx, Table::SessionUsers, &id_key(user))? {
        let row = session_at(tx, &key)?;
        remove(tx, &row)?;
    }
    Ok(())
}

/// Looks only at sessions whose time has come, in a bounded number.
fn purge(
    tx: &mut dyn WriteTransaction,
    now: Timestamp,
    policy: &SessionPolicy,
    limit: u32,
) -> Result<u64, PortError> {
    let limit = PAGE.min(usize::try_from(limit).unwrap_or(PAGE));
    let mut purged = 0;
    for (time, until) in [
        (SessionTime::Ended, Timestamp::UNIX_EPOCH),
        (SessionTime::Expiry, now),
        (SessionTime::Refresh, now.minus(policy.idle)),
    ] {
        for key in due(tx, time, until, limit - purged)? {
            let row = session_at(tx, &key)?;
            if !row.session.is_live(now, policy) {
                remove(tx, &row)?;
                purged += 1;
            }
        }
    }
    for key in due(tx, SessionTime::Consumption, policy.credentials_kept_since(now), limit)? {
        let row = session_at(tx, &key)?;
        let chain = CredentialChain::new(row.chain.current);
        replace(tx, &row, &SessionRow { chain, ..row.clone() })?;
        purged += 1;
    }
    Ok(u64::try_from(purged).unwrap_or(u64::MAX))
}

/// Returns the keys of at most `limit` times up to `until`.
fn due(
    tx: &dyn ReadTransaction,
    time: SessionTime,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Vec<u8>>, PortError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let (start, end) = (time.key(Timestamp::UNIX_EPOCH), [time.key(until).as_slice(), &[0xff; 17]].concat());
    let entries = tx.scan(Table::SessionTimes, start.as_slice()..end.as_slice(), limit)?;
    Ok(entries.into_iter().map(|(key, _)| key).collect())
}

/// Reads the session whose id is the end of `key`.
fn session_at(tx: &dyn ReadTransaction, key: &[u8]) -> Result<SessionRow, PortError> {
    get(tx, last_16(key))?.ok_or_else(|| corrupt("an entry leads to a missing session"))
}

fn user_of(tx: &dyn ReadTransaction, row: &SessionRow) -> Result<User, PortError> {
    let user = get::<UserRow>(tx, &id_key(row.session.user_id))?;
    Ok(user.ok_or_else(|| corrupt("a session belongs to a missing user"))?.user)
}
