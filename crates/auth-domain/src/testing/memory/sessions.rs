//! Sessions in memory.

use async_trait::async_trait;

use super::{Credential, MemoryStore, State, corrupt};
use crate::model::{
    ClientId, CredentialState, EndReason, JudgedRefresh, NewSession, RefreshAttempt, RefreshRecord,
    RefreshVerdict, SecretDigest, Session, SessionId, Timestamp, User,
};
use crate::policy::SessionPolicy;
use crate::ports::{OpenOutcome, PortError, RevocationFeed, SessionRepository, SessionState};

#[async_trait]
impl SessionRepository for MemoryStore {
    async fn open(&self, new: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        let mut state = self.state()?;
        let session = &new.session;
        if state.sessions.contains_key(&session.id) || state.credentials.contains_key(&new.credential) {
            return Err(corrupt("a session with this id or credential exists"));
        }
        let may_open = state
            .users
            .get(&session.user_id)
            .is_some_and(|entry| new.may_begin(entry.user.status, entry.password.version, &entry.user.roles));
        if !may_open {
            return Ok(OpenOutcome::Denied);
        }
        state.end_surplus_for(session, policy);
        let credential = Credential { session: session.id, state: CredentialState::Current };
        state.credentials.insert(new.credential, credential);
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
        let Some(record) = state.refresh_record(&attempt.presented)? else { return Ok(None) };
        let verdict = record.judge(attempt);
        match verdict {
            RefreshVerdict::Rotate => state.rotate(&record.session, attempt),
            RefreshVerdict::Extend => state.refreshed(record.session.id, attempt.now),
            RefreshVerdict::Replay => {
                state.end_session(record.session.id, EndReason::Replayed, attempt.now);
            }
            RefreshVerdict::Retry { .. } | RefreshVerdict::Deny(_) => {}
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

    async fn end_by_credential(
        &self,
        credential: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        let mut state = self.state()?;
        let session = state
            .credentials
            .get(credential)
            .and_then(|credential| state.sessions.get(&credential.session))
            .filter(|session| session.client_id == *client)
            .map(|session| session.id);
        Ok(session.and_then(|session| state.end_session(session, reason, now)))
    }

    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError> {
        let mut state = self.state()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let over = state.sessions.values().filter(|session| !session.is_live(now, policy));
        let over: Vec<_> = over.map(|session| session.id).take(limit).collect();
        let credentials =
            state.credentials.iter().filter(|(_, credential)| over.contains(&credential.session));
        let credentials: Vec<_> = credentials.map(|(digest, _)| *digest).take(limit).collect();
        state.credentials.retain(|digest, _| !credentials.contains(digest));
        let mut purged = credentials.len();
        if purged < limit {
            purged += over.len();
            state.retain_sessions(|session| !over.contains(&session.id));
        }
        Ok(u64::try_from(purged).unwrap_or(u64::MAX))
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

    fn refresh_record(&self, presented: &SecretDigest) -> Result<Option<RefreshRecord>, PortError> {
        let Some(credential) = self.credentials.get(presented) else { return Ok(None) };
        let session = self
            .sessions
            .get(&credential.session)
            .ok_or_else(|| corrupt("a credential without a session"))?;
        let entry = self.users.get(&session.user_id).ok_or_else(|| corrupt("a session without a user"))?;
        Ok(Some(RefreshRecord {
            user: entry.user.clone(),
            session: session.clone(),
            credential: credential.state.clone(),
        }))
    }

    fn rotate(&mut self, session: &Session, attempt: &RefreshAttempt) {
        for credential in self.credentials.values_mut().filter(|known| known.session == session.id) {
            if let CredentialState::Consumed { successor, .. } = &mut credential.state {
                *successor = None;
            }
        }
        if let Some(presented) = self.credentials.get_mut(&attempt.presented) {
            presented.state =
                CredentialState::Consumed { at: attempt.now, successor: Some(attempt.nonce.clone()) };
        }
        let successor = Credential { session: session.id, state: CredentialState::Current };
        self.credentials.insert(attempt.successor, successor);
        self.refreshed(session.id, attempt.now);
    }

    fn refreshed(&mut self, session: SessionId, at: Timestamp) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.last_refreshed_at = at;
        }
    }
}
