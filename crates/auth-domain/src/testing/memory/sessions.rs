//! Sessions in memory.

use async_trait::async_trait;

use super::{Family, MemoryStore, State, corrupt};
use crate::model::{
    ClientId, CredentialChain, EndReason, JudgedRefresh, NewSession, RefreshAttempt, RefreshRecord,
    RefreshVerdict, SecretDigest, Session, SessionId, Timestamp, User,
};
use crate::policy::SessionPolicy;
use crate::ports::{OpenOutcome, PortError, RevocationFeed, SessionRepository, SessionState};

#[async_trait]
impl SessionRepository for MemoryStore {
    async fn open(&self, new: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        let mut state = self.state()?;
        let session = &new.session;
        if state.sessions.contains_key(&session.id) || state.families.contains_key(&new.family) {
            return Err(corrupt("a session with this id or token family exists"));
        }
        let may_open = state
            .users
            .get(&session.user_id)
            .is_some_and(|entry| new.may_begin(entry.user.status, entry.password.version, &entry.user.roles));
        if !may_open {
            return Ok(OpenOutcome::Denied);
        }
        state.end_surplus_for(session, policy);
        let family = Family { session: session.id, chain: CredentialChain::new(new.credential) };
        state.families.insert(new.family, family);
        state.sessions.insert(session.id, session.clone());
        Ok(OpenOutcome::Opened)
    }

    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError> {
        let state = self.state()?;
        let Some(session) = state.sessions.get(&session) else { return Ok(None) };
        let entry = state.users.get(&session.user_id).ok_or_else(|| corrupt("a session without a user"))?;
        Ok(Some((session.clone(), entry.user.clone())))
    }

    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError> {
        let mut state = self.state()?;
        let Some(record) = state.refresh_record(&attempt.family)? else { return Ok(None) };
        let verdict = record.judge(attempt);
        let session = record.session.id;
        match &verdict {
            RefreshVerdict::Rotate(chain) => {
                let chain = chain.clone();
                state.families.insert(attempt.family, Family { session, chain });
                state.refreshed(session, attempt.received_at);
            }
            RefreshVerdict::Extend => state.refreshed(session, attempt.received_at),
            RefreshVerdict::Replay => {
                state.end_session(session, EndReason::Replayed, attempt.received_at);
            }
            RefreshVerdict::Retry(_) | RefreshVerdict::Deny(_) => {}
        }
        Ok(Some(JudgedRefresh { record, verdict }))
    }

    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        Ok(self.state()?.end_session(session, reason, now))
    }

    async fn end_by_family(
        &self,
        family: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        let mut state = self.state()?;
        let session = state
            .families
            .get(family)
            .and_then(|family| state.sessions.get(&family.session))
            .filter(|session| session.client_id == *client)
            .map(|session| session.id);
        Ok(session.and_then(|session| state.end_session(session, reason, now)))
    }

    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError> {
        let mut state = self.state()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let over = state.sessions.values().filter(|session| !session.is_live(now, policy));
        let over: Vec<_> = over.map(|session| session.id).take(limit).collect();
        state.retain_sessions(|session| !over.contains(&session.id));
        let erased = state.erase_consumed(policy.credentials_kept_since(now), limit);
        Ok(u64::try_from(over.len() + erased).unwrap_or(u64::MAX))
    }
}

impl RevocationFeed for MemoryStore {
    /// Reads the sessions themselves. A missing session was deleted, or it was not live when it was purged.
    fn session_state(&self, session: SessionId) -> SessionState {
        match self.state() {
            Ok(state) if state.sessions.get(&session).is_some_and(|known| known.end.is_none()) => {
                SessionState::Live
            }
            Ok(_) => SessionState::Ended,
            Err(_) => SessionState::Unknown,
        }
    }
}

impl State {
    /// Ends the oldest live sessions of the user of `new`, as far as the limit requires it.
    fn end_surplus_for(&mut self, new: &Session, policy: &SessionPolicy) {
        let others = self.sessions.values().filter(|session| session.user_id == new.user_id);
        for session in policy.surplus(others.cloned().collect(), new.created_at) {
            self.end_session(session, EndReason::Superseded, new.created_at);
        }
    }

    fn refresh_record(&self, family: &SecretDigest) -> Result<Option<RefreshRecord>, PortError> {
        let Some(Family { session, chain }) = self.families.get(family) else { return Ok(None) };
        let session =
            self.sessions.get(session).ok_or_else(|| corrupt("a token family without a session"))?;
        let entry = self.users.get(&session.user_id).ok_or_else(|| corrupt("a session without a user"))?;
        Ok(Some(RefreshRecord { user: entry.user.clone(), session: session.clone(), chain: chain.clone() }))
    }

    /// Erases the consumed credentials of sessions that were not refreshed after `since`, and returns of how many.
    fn erase_consumed(&mut self, since: Timestamp, limit: usize) -> usize {
        let Self { families, sessions, .. } = self;
        let outdated = families
            .values_mut()
            .filter(|family| !family.chain.consumed.is_empty())
            .filter(|family| {
                sessions.get(&family.session).is_some_and(|session| session.last_refreshed_at <= since)
            })
            .take(limit);
        outdated.map(|family| family.chain.consumed.clear()).count()
    }

    fn refreshed(&mut self, session: SessionId, at: Timestamp) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.last_refreshed_at = at;
        }
    }
}
