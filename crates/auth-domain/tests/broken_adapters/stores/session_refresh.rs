//! Faults in refreshing sessions.

use auth_domain::model::{
    ClientId, ConsumedCredential, CredentialChain, EndReason, JudgedRefresh, RefreshAttempt, RefreshDenial,
    RefreshRecord, RefreshStyle, RefreshVerdict, SecretDigest, Session, SessionId, SuccessorNonce,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{BoxError, PortError, SessionRepository};
use tokio::task::yield_now;

use super::registration::to_milliseconds;
use super::{Fault, FaultyStore, unavailable};

impl FaultyStore {
    pub(super) async fn refresh_with_fault(
        &self,
        attempt: &RefreshAttempt,
    ) -> Result<Option<JudgedRefresh>, PortError> {
        let attempt = &self.altered_attempt(attempt);
        if self.is(Fault::OverflowsOnHugeLimits) && attempt.policy.idle > SessionPolicy::default().idle {
            return Err(unavailable("interval out of range"));
        }
        let session = self.log().families.get(&attempt.family).copied();
        let was_live = match session {
            Some(session) => {
                self.inner.find(session).await?.is_some_and(|(session, _)| session.end.is_none())
            }
            None => false,
        };
        if self.is(Fault::LosesEndsInRefreshes) {
            yield_now().await;
        }
        if let (Fault::WritesWithoutComparingTheCurrent, Some(session)) = (self.fault, session)
            && let Some(judged) = self.judge_before_it_writes(attempt, session).await?
        {
            return Ok(Some(judged));
        }
        let Some(judged) = self.inner.refresh(attempt).await? else {
            return match (self.fault, session) {
                (Fault::FailsOnUnknownFamilies, None) => Err(unavailable("no rows")),
                (Fault::LeavesFamiliesBehind, Some(_)) => {
                    Err(PortError::Corrupt(BoxError::from("a token family without a session")))
                }
                _ => Ok(None),
            };
        };
        if self.is(Fault::LosesEndsInRefreshes) && was_live && judged.record.session.end.is_some() {
            self.revive(judged.record.session.id).await?;
        }
        let is_outside = !judged.record.chain.consumed.iter().any(|link| link.digest == attempt.credential);
        if self.is(Fault::FindsSessionsByBothDigests)
            && judged.record.chain.current != attempt.credential
            && is_outside
        {
            return Ok(None);
        }
        self.answer(attempt, judged).await.map(Some)
    }

    fn altered_attempt(&self, attempt: &RefreshAttempt) -> RefreshAttempt {
        let mut attempt = attempt.clone();
        match self.fault {
            Fault::TruncatesFamilies => attempt.family = self.family_with_this_start(attempt.family),
            Fault::FindsSessionsByCredential => {
                let log = self.log();
                let known = log.opened.iter().find(|new| new.credential == attempt.credential);
                attempt.family = known.map_or(attempt.family, |new| new.family);
            }
            Fault::JudgesByTheDefaultPolicy => attempt.policy = SessionPolicy::default(),
            Fault::JudgesByTheTimeOfWriting => {
                let latest = self.log().consumed.values().flatten().map(|link| link.at).max();
                attempt.received_at = latest.map_or(attempt.received_at, |at| at.max(attempt.received_at));
            }
            Fault::RotatesTheReusable => attempt.client.refresh_style = RefreshStyle::Rotating,
            Fault::TruncatesSessionTimes => attempt.received_at = to_milliseconds(attempt.received_at),
            _ => {}
        }
        attempt
    }

    /// Reads and judges, lets other calls run, and answers as if it had written.
    async fn judge_before_it_writes(
        &self,
        attempt: &RefreshAttempt,
        session: SessionId,
    ) -> Result<Option<JudgedRefresh>, PortError> {
        let mut reading = attempt.clone();
        reading.client.id = ClientId::from_static("reads only");
        let Some(JudgedRefresh { record, .. }) = self.inner.refresh(&reading).await? else { return Ok(None) };
        yield_now().await;
        let judged = record.judged(attempt);
        let is_rotation = matches!(judged.verdict, RefreshVerdict::Rotate(_));
        let is_live = self.inner.find(session).await?.is_some_and(|(session, _)| session.end.is_none());
        if !is_rotation || !is_live {
            return Ok(None);
        }
        self.inner.refresh(attempt).await?;
        Ok(Some(judged))
    }

    async fn answer(
        &self,
        attempt: &RefreshAttempt,
        judged: JudgedRefresh,
    ) -> Result<JudgedRefresh, PortError> {
        let JudgedRefresh { mut record, verdict } = judged;
        self.alter_chain(attempt.family, &mut record.chain);
        match verdict {
            RefreshVerdict::Replay if self.is(Fault::EndsAllSessionsOnReplay) => {
                let user = record.user.id;
                self.end_sessions(|owner| owner == user, attempt.received_at).await?;
            }
            RefreshVerdict::Retry(_) => self.after_retry(attempt, &record).await?,
            RefreshVerdict::Deny(denial) => self.after_denial(attempt, &mut record, denial).await?,
            RefreshVerdict::Rotate(_) => self.remember_rotation(attempt),
            RefreshVerdict::Replay | RefreshVerdict::Extend => {}
        }
        let verdict = match record.judge(attempt) {
            RefreshVerdict::Retry(_)
                if self.is(Fault::ReplaysEarlyRequests) && is_early(attempt, &record.chain) =>
            {
                RefreshVerdict::Replay
            }
            verdict => verdict,
        };
        if verdict == RefreshVerdict::Replay {
            self.inner.end(record.session.id, EndReason::Replayed, attempt.received_at).await?;
        }
        match self.fault {
            Fault::ReturnsTheRegisteredUserOnRefresh => record.user = self.as_registered(record.user),
            Fault::ReturnsTheSessionAfterTheRefresh => {
                if let Some((session, _)) = self.inner.find(record.session.id).await? {
                    record.session = session;
                }
            }
            _ => {}
        }
        Ok(JudgedRefresh { record, verdict })
    }

    fn remember_rotation(&self, attempt: &RefreshAttempt) {
        let mut log = self.log();
        let link =
            ConsumedCredential { digest: attempt.credential, at: attempt.received_at, nonce: attempt.nonce };
        log.consumed.entry(attempt.family).or_default().push(link);
        log.last_rotated = Some(attempt.family);
    }

    /// Changes the chain of a session to what this store reads.
    fn alter_chain(&self, family: SecretDigest, chain: &mut CredentialChain) {
        let consumed = &mut chain.consumed;
        match self.fault {
            Fault::DropsALink if consumed.len() > 2 => {
                consumed.remove(1);
            }
            Fault::ReadsTheChainBackwards => consumed.reverse(),
            Fault::ReadsTheNewestLinkOnly => *consumed = consumed.split_off(consumed.len().saturating_sub(1)),
            Fault::ReadsSixteenLinks => *consumed = consumed.split_off(consumed.len().saturating_sub(16)),
            Fault::MixesUpTheNonces => {
                let nonce =
                    SuccessorNonce::from_bytes(self.count().to_be_bytes().repeat(2).try_into().expect("16"));
                for link in consumed {
                    link.nonce = nonce;
                }
            }
            Fault::TruncatesTimesOfLinks => {
                for link in consumed {
                    link.at = to_milliseconds(link.at);
                }
            }
            Fault::UnescapesBackslashes => {
                let unescape = |byte: u8| if byte == b'\\' { 0 } else { byte };
                for link in consumed {
                    link.digest = SecretDigest::from_bytes(link.digest.as_bytes().map(unescape));
                    link.nonce = SuccessorNonce::from_bytes(link.nonce.as_bytes().map(unescape));
                }
            }
            Fault::KeepsEveryLink => {
                *consumed = self.log().consumed.get(&family).cloned().unwrap_or_default();
            }
            Fault::ErasesLinksOfOtherSessions if self.log().last_rotated != Some(family) => consumed.clear(),
            Fault::ErasesTheCurrent if self.log().erased.contains(&family) => {
                chain.current = SecretDigest::from_bytes([0; 32]);
            }
            _ => {}
        }
    }

    async fn after_retry(&self, attempt: &RefreshAttempt, record: &RefreshRecord) -> Result<(), PortError> {
        let current = RefreshAttempt { credential: record.chain.current, ..attempt.clone() };
        match self.fault {
            Fault::RefreshesByRetries => self.extend(attempt, record).await,
            Fault::RotatesOnRetries => self.inner.refresh(&current).await.map(drop),
            _ => Ok(()),
        }
    }

    async fn after_denial(
        &self,
        attempt: &RefreshAttempt,
        record: &mut RefreshRecord,
        denial: RefreshDenial,
    ) -> Result<(), PortError> {
        let Session { id, end, .. } = record.session;
        match (self.fault, denial) {
            (Fault::EndsOnOtherClients, RefreshDenial::OtherClient)
            | (Fault::EndsExpiredSessions, RefreshDenial::SessionOver) => {
                self.inner.end(id, EndReason::LoggedOut, attempt.received_at).await?;
            }
            (Fault::ExtendsThrottledSessions, RefreshDenial::TooManyRotations(_))
            | (Fault::ExtendsOnClocksBehind, RefreshDenial::ClockBehind(_)) => {
                self.extend(attempt, record).await?;
            }
            (Fault::ReplaysTwice, RefreshDenial::SessionOver)
                if end.is_some_and(|end| end.reason == EndReason::Replayed) =>
            {
                record.session.end = None;
            }
            _ => {}
        }
        Ok(())
    }

    /// Marks the session as refreshed at the time of the attempt.
    async fn extend(&self, attempt: &RefreshAttempt, record: &RefreshRecord) -> Result<(), PortError> {
        let mut extending = RefreshAttempt { credential: record.chain.current, ..attempt.clone() };
        extending.client.refresh_style = RefreshStyle::Reusable;
        self.inner.refresh(&extending).await.map(drop)
    }

    /// The family of the first session whose family begins with the same 16 bytes.
    pub(super) fn family_with_this_start(&self, family: SecretDigest) -> SecretDigest {
        let start = family.as_bytes().first_chunk::<16>();
        let log = self.log();
        let known = log.opened.iter().find(|new| new.family.as_bytes().first_chunk() == start);
        known.map_or(family, |new| new.family)
    }
}

/// Whether the attempt was received before its credential was consumed.
fn is_early(attempt: &RefreshAttempt, chain: &CredentialChain) -> bool {
    chain.consumed.iter().any(|link| link.digest == attempt.credential && attempt.received_at < link.at)
}
