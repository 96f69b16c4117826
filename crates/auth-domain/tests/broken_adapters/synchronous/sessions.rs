//! The sessions of the synchronous store.

use async_trait::async_trait;
use auth_domain::model::{
    ClientId, EndReason, JudgedRefresh, NewSession, RefreshAttempt, SecretDigest, Session, SessionId,
    Timestamp, User,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{
    OpenOutcome, PortError, RevocationFeed, SessionRepository, SessionState, UserRepository,
};

use super::{Call, Fault, SynchronousStore};

#[async_trait]
impl SessionRepository for SynchronousStore {
    async fn open(&self, new: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        self.memory().opened.push((new.session.id, new.session.user_id));
        self.run(Call::Open, self.records.open(new, policy))
    }

    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError> {
        let mut session = session;
        if self.is(Fault::FindsTheFirstSessionOfTheUser) {
            let memory = self.memory();
            let owner = memory.opened.iter().find(|(id, _)| *id == session).map(|(_, user)| *user);
            let first = memory.opened.iter().find(|(_, user)| Some(*user) == owner);
            session = first.map_or(session, |(id, _)| *id);
        }
        self.run(Call::Other, SessionRepository::find(&self.records, session))
    }

    async fn find_by_family(&self, family: &SecretDigest) -> Result<Option<(Session, User)>, PortError> {
        self.run(Call::Other, self.records.find_by_family(family))
    }

    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError> {
        let mut judged = self.run(Call::Refresh, self.records.refresh(attempt))?;
        if let Some(judged) = judged.as_mut().filter(|_| self.is(Fault::RefreshesWithTheFirstUser)) {
            let first = self.run(Call::Other, UserRepository::list(&self.records, None, 1))?.pop();
            judged.record.user = first.expect("a user");
        }
        Ok(judged)
    }

    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        if self.is(Fault::EndsTheNextSessionToo) {
            let opened = self.memory().opened.clone();
            let next = opened.iter().skip_while(|(id, _)| *id != session).nth(1);
            if let Some((next, _)) = next {
                self.run(Call::Other, self.records.end(*next, reason, now))?;
            }
        }
        self.run(Call::End, self.records.end(session, reason, now))
    }

    async fn end_by_family(
        &self,
        family: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        self.run(Call::EndByFamily, self.records.end_by_family(family, client, reason, now))
    }

    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError> {
        self.run(Call::Purge, SessionRepository::purge(&self.records, now, policy, limit))
    }
}

impl RevocationFeed for SynchronousStore {
    fn session_state(&self, session: SessionId) -> SessionState {
        let state = self.run(Call::Other, async { self.records.session_state(session) });
        let is_there = self.run(Call::Other, SessionRepository::find(&self.records, session));
        if self.is(Fault::ForgetsPurgedSessions) && matches!(is_there, Ok(None)) {
            return SessionState::Live;
        }
        state
    }
}
