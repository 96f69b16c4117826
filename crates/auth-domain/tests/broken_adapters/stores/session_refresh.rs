//! Faults in refreshing sessions.

use std::sync::atomic::Ordering;

use auth_domain::model::{
    CredentialState, EndReason, JudgedRefresh, RefreshAttempt, RefreshDenial, RefreshRecord, RefreshStyle,
    RefreshVerdict, Session,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{BoxError, PortError, SessionRepository};
use tokio::task::yield_now;

use super::{Fault, FaultyStore, first_half, unavailable};

impl FaultyStore {
    pub(super) async fn refresh_with_fault(
        &self,
        attempt: &RefreshAttempt,
    ) -> Result<Option<JudgedRefresh>, PortError> {
        let attempt = &self.altered_attempt(attempt);
        if self.is(Fault::OverflowsOnHugeLimits) && attempt.policy.idle > SessionPolicy::default().idle {
            return Err(unavailable("interval out of range"));
        }
        if let Some(judged) = self.replay_old_retry(attempt).await? {
            return Ok(Some(judged));
        }
        let session = self.log().credentials.get(&attempt.presented).copied();
        let was_live = match session {
            Some(session) => {
                self.inner.find(session).await?.is_some_and(|(session, _)| session.end.is_none())
            }
            None => false,
        };
        if self.is(Fault::LosesEndsInRefreshes) {
            yield_now().await;
        }
        let Some(judged) = self.inner.refresh(attempt).await? else {
            return match (self.fault, session) {
                (Fault::FailsOnUnknownCredentials, None) => Err(unavailable("no rows")),
                (Fault::LeavesCredentialsBehind, Some(_)) => {
                    Err(PortError::Corrupt(BoxError::from("a credential without a session")))
                }
                _ => Ok(None),
            };
        };
        if self.is(Fault::LosesEndsInRefreshes) && was_live && judged.record.session.end.is_some() {
            self.revive(judged.record.session.id).await?;
        }
        self.answer(attempt, judged).await.map(Some)
    }

    fn altered_attempt(&self, attempt: &RefreshAttempt) -> RefreshAttempt {
        let mut attempt = attempt.clone();
        match self.fault {
            Fault::TruncatesCredentialDigests => {
                let presented = first_half(&attempt.presented);
                let log = self.log();
                let known = log.credentials.keys().find(|known| first_half(known) == presented);
                attempt.presented = known.copied().unwrap_or(attempt.presented);
            }
            Fault::StoresSuccessorsOfRetries => {
                let alias = self.log().aliases.get(&attempt.presented).copied();
                attempt.presented = alias.unwrap_or(attempt.presented);
            }
            Fault::JudgesByTheDefaultPolicy => attempt.policy = SessionPolicy::default(),
            Fault::RotatesTheReusable => attempt.client.refresh_style = RefreshStyle::Rotating,
            Fault::TruncatesSessionTimes => attempt.now = super::registration::to_milliseconds(attempt.now),
            _ => {}
        }
        attempt
    }

    /// Accepts a retry with an old nonce, although its successor has been used.
    async fn replay_old_retry(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError> {
        let (consumed, session) = {
            let log = self.log();
            (log.consumed.get(&attempt.presented).cloned(), log.credentials.get(&attempt.presented).copied())
        };
        let (true, Some((at, nonce)), Some(session)) = (self.is(Fault::KeepsOldNonces), consumed, session)
        else {
            return Ok(None);
        };
        let Some((session, user)) = self.inner.find(session).await? else { return Ok(None) };
        let credential = CredentialState::Consumed { at, successor: Some(nonce) };
        let record = RefreshRecord { user, session, credential };
        let verdict = record.judge(attempt);
        let is_retry = matches!(verdict, RefreshVerdict::Retry { .. });
        Ok(is_retry.then_some(JudgedRefresh { record, verdict }))
    }

    async fn answer(
        &self,
        attempt: &RefreshAttempt,
        mut judged: JudgedRefresh,
    ) -> Result<JudgedRefresh, PortError> {
        let session = judged.record.session.id;
        match judged.verdict {
            RefreshVerdict::Rotate => {
                let mut log = self.log();
                log.credentials.insert(attempt.successor, session);
                log.consumed.insert(attempt.presented, (attempt.now, attempt.nonce.clone()));
                log.last_rotated = Some(attempt.presented);
            }
            RefreshVerdict::Retry { .. } => judged = self.after_retry(attempt, judged).await?,
            RefreshVerdict::Replay if self.is(Fault::EndsAllSessionsOnReplay) => {
                let user = judged.record.user.id;
                self.end_sessions(|owner| owner == user, attempt.now).await?;
            }
            RefreshVerdict::Deny(refusal) => judged = self.after_refusal(attempt, judged, refusal).await?,
            RefreshVerdict::Replay | RefreshVerdict::Extend => {}
        }
        match self.fault {
            Fault::ReturnsTheRegisteredUserOnRefresh => {
                judged.record.user = self.as_registered(judged.record.user);
            }
            Fault::ReturnsTheSessionAfterTheRefresh => {
                if let Some((session, _)) = self.inner.find(session).await? {
                    judged.record.session = session;
                }
            }
            _ => {}
        }
        Ok(judged)
    }

    async fn after_retry(
        &self,
        attempt: &RefreshAttempt,
        judged: JudgedRefresh,
    ) -> Result<JudgedRefresh, PortError> {
        match self.fault {
            Fault::LetsTwoRotate if self.calls.load(Ordering::SeqCst) > 1 => {
                Ok(replaced(judged, CredentialState::Current, RefreshVerdict::Rotate))
            }
            Fault::ReturnsAnotherNonceToRetries => {
                let nonce = attempt.nonce.clone();
                let at = attempt.now;
                let credential = CredentialState::Consumed { at, successor: Some(nonce.clone()) };
                Ok(replaced(judged, credential, RefreshVerdict::Retry { nonce, consumed_at: at }))
            }
            Fault::RefreshesByRetries => {
                let mut extending = attempt.clone();
                extending.client.refresh_style = RefreshStyle::Reusable;
                self.inner.refresh(&extending).await?;
                Ok(judged)
            }
            Fault::StoresSuccessorsOfRetries => {
                self.log().aliases.insert(attempt.successor, attempt.presented);
                Ok(judged)
            }
            Fault::DeletesNoncesOfOtherSessions if self.log().last_rotated != Some(attempt.presented) => {
                self.inner.end(judged.record.session.id, EndReason::Replayed, attempt.now).await?;
                let CredentialState::Consumed { at, .. } = judged.record.credential else {
                    return Ok(judged);
                };
                let credential = CredentialState::Consumed { at, successor: None };
                Ok(replaced(judged, credential, RefreshVerdict::Replay))
            }
            _ => Ok(judged),
        }
    }

    async fn after_refusal(
        &self,
        attempt: &RefreshAttempt,
        judged: JudgedRefresh,
        refusal: RefreshDenial,
    ) -> Result<JudgedRefresh, PortError> {
        let Session { id, end, .. } = judged.record.session;
        match (self.fault, refusal) {
            (Fault::EndsOnOtherClients, RefreshDenial::OtherClient)
            | (Fault::EndsExpiredSessions, RefreshDenial::SessionOver) => {
                self.inner.end(id, EndReason::LoggedOut, attempt.now).await?;
                Ok(judged)
            }
            (Fault::ReplaysTwice, RefreshDenial::SessionOver)
                if end.is_some_and(|end| end.reason == EndReason::Replayed) =>
            {
                let session = Session { end: None, ..judged.record.session };
                let record = RefreshRecord { session, ..judged.record };
                Ok(JudgedRefresh { verdict: record.judge(attempt), record })
            }
            _ => Ok(judged),
        }
    }
}

/// The judgement with another credential state and verdict.
fn replaced(judged: JudgedRefresh, credential: CredentialState, verdict: RefreshVerdict) -> JudgedRefresh {
    JudgedRefresh { record: RefreshRecord { credential, ..judged.record }, verdict }
}
