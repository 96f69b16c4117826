//! Faults in reading, ending and purging sessions.

use std::time::Duration;

use async_trait::async_trait;
use auth_domain::model::{
    ClientId, EndReason, JudgedRefresh, NewSession, RefreshAttempt, SecretDigest, Session, SessionEnd,
    SessionId, Timestamp, User,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError, SessionRepository};
use tokio::task::yield_now;

use super::{Fault, FaultyStore};

#[async_trait]
impl SessionRepository for FaultyStore {
    async fn open(&self, session: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError> {
        let _call = self.begin().await?;
        self.open_with_fault(session, policy).await
    }

    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError> {
        let _call = self.begin().await?;
        if let Some(altered) = self.log().altered.get(&session) {
            return Ok(Some(altered.clone()));
        }
        let found = self.inner.find(session).await?;
        Ok(found.map(|(session, user)| {
            let user = match self.fault {
                Fault::FindsSessionsWithTheRegisteredUser => self.as_registered(user),
                _ => user,
            };
            (self.read_session(session), user)
        }))
    }

    async fn find_by_family(&self, family: &SecretDigest) -> Result<Option<(Session, User)>, PortError> {
        let _call = self.begin().await?;
        let family = match self.fault {
            Fault::TruncatesFamilies => self.family_with_this_start(*family),
            _ => *family,
        };
        let Some((session, user)) = self.inner.find_by_family(&family).await? else { return Ok(None) };
        match self.fault {
            Fault::HidesEndedFamilies if session.end.is_some() => Ok(None),
            Fault::FindsFamiliesWithTheRegisteredUser => Ok(Some((session, self.as_registered(user)))),
            Fault::FindsFamiliesWithTheFirstRefresh => {
                Ok(Some((Session { last_refreshed_at: session.created_at, ..session }, user)))
            }
            _ => Ok(Some((session, user))),
        }
    }

    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError> {
        let _call = self.begin().await?;
        self.refresh_with_fault(attempt).await
    }

    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        let _call = self.begin().await?;
        let before = self.inner.find(session).await?;
        let was_live = before.as_ref().is_some_and(|(session, _)| session.end.is_none());
        if self.is(Fault::ChecksEndsBeforeItWrites) && was_live {
            yield_now().await;
        }
        let ended = self.inner.end(session, reason, now).await?;
        let Some((found, user)) = before else { return Ok(ended) };
        match self.fault {
            Fault::EndsTwice => Ok(Some(found)),
            Fault::ChecksEndsBeforeItWrites => Ok(was_live.then_some(found)),
            Fault::ReturnsEndedSessionsAsTheyWere => Ok(ended.map(|_| found)),
            Fault::KeepsTheLastEnd if ended.is_none() => {
                let end = Some(SessionEnd { at: now, reason });
                self.log().altered.insert(session, (Session { end, ..found }, user));
                Ok(ended)
            }
            Fault::EndsAllSessionsOfTheUser => {
                self.end_sessions(|owner| owner == user.id, now).await?;
                Ok(ended)
            }
            _ => Ok(ended),
        }
    }

    async fn end_by_family(
        &self,
        family: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError> {
        let _call = self.begin().await?;
        let family = &match self.fault {
            Fault::TruncatesFamilies => self.family_with_this_start(*family),
            _ => *family,
        };
        let session = self.log().families.get(family).copied();
        let found = match session {
            Some(session) => self.inner.find(session).await?,
            None => None,
        };
        let Some((found, user)) = found else {
            return self.inner.end_by_family(family, client, reason, now).await;
        };
        match self.fault {
            Fault::EndsUnrefreshedFamiliesOnly if self.log().consumed.contains_key(family) => Ok(None),
            Fault::EndsForAnyClient => self.inner.end_by_family(family, &found.client_id, reason, now).await,
            Fault::ReportsEndsByFamilyTwice if found.client_id == *client => {
                self.inner.end_by_family(family, client, reason, now).await?;
                Ok(Some(found))
            }
            Fault::ReturnsEndedSessionsAsTheyWere => {
                let ended = self.inner.end_by_family(family, client, reason, now).await?;
                Ok(ended.map(|_| found))
            }
            Fault::EndsAllSessionsOfTheUser => {
                let ended = self.inner.end_by_family(family, client, reason, now).await?;
                self.end_sessions(|owner| owner == user.id, now).await?;
                Ok(ended)
            }
            _ => self.inner.end_by_family(family, client, reason, now).await,
        }
    }

    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError> {
        let _call = self.begin().await?;
        match self.fault {
            Fault::PurgesNoIdleSessions => {
                let mut patient = policy.clone();
                patient.idle = Duration::MAX;
                self.inner.purge(now, &patient, limit).await
            }
            Fault::PurgesToTheSecond => {
                self.inner.purge(now.plus(Duration::from_secs(1)), policy, limit).await
            }
            Fault::PurgesWithoutLimit => self.inner.purge(now, policy, u32::MAX).await,
            Fault::PurgesNothing => Ok(0),
            Fault::ErasesNothing => {
                let mut patient = policy.clone();
                patient.retry_grace = Duration::MAX;
                self.inner.purge(now, &patient, limit).await
            }
            Fault::ErasesBeforeTheWindowEnds => {
                let mut hasty = policy.clone();
                hasty.outage_grace = Duration::ZERO;
                self.inner.purge(now, &hasty, limit).await
            }
            Fault::ErasesTheCurrent => {
                self.mark_erased(policy.credentials_kept_since(now));
                self.inner.purge(now, policy, limit).await
            }
            _ => self.inner.purge(now, policy, limit).await,
        }
    }
}

impl FaultyStore {
    /// Remembers which families were not refreshed after `since`.
    fn mark_erased(&self, since: Timestamp) {
        let mut log = self.log();
        let links = log.consumed.iter();
        let idle =
            links.filter(|(_, links)| links.iter().all(|link| link.at <= since)).map(|(family, _)| *family);
        log.erased = idle.collect();
    }

    /// A session as this store returns it.
    fn read_session(&self, mut session: Session) -> Session {
        let forgotten = match self.fault {
            Fault::KeepsSessionsOfChangedPasswords => Some(EndReason::PasswordChanged),
            Fault::KeepsSessionsOfSuspendedUsers => Some(EndReason::Suspended),
            Fault::KeepsSessionsOfChangedRoles => Some(EndReason::RolesChanged),
            Fault::HidesReplayEnds => Some(EndReason::Replayed),
            _ => None,
        };
        session.end = session.end.filter(|end| Some(end.reason) != forgotten);
        match self.fault {
            Fault::TruncatesClientIds => {
                session.client_id =
                    ClientId::from(session.client_id.as_str().chars().take(20).collect::<String>());
            }
            Fault::CountsNoRefresh => session.last_refreshed_at = session.created_at,
            Fault::MovesTheExpiry if session.last_refreshed_at > session.created_at => {
                session.expires_at = session.last_refreshed_at.plus(SessionPolicy::default().absolute);
            }
            Fault::ReplacesTheSuspendedReason => {
                if let Some(end) = &mut session.end
                    && end.reason == EndReason::Suspended
                {
                    end.reason = EndReason::LoggedOut;
                }
            }
            _ => {}
        }
        session
    }

    /// Returns a session as live from now on.
    pub(super) async fn revive(&self, session: SessionId) -> Result<(), PortError> {
        if let Some((found, user)) = self.inner.find(session).await? {
            self.log().altered.insert(session, (Session { end: None, ..found }, user));
        }
        Ok(())
    }
}
