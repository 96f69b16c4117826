//! Faults in opening sessions.

use std::cmp::Reverse;
use std::time::Duration;

use auth_domain::model::{EndReason, NewSession, Session, SessionId, Timestamp, UserId, UserRef, UserStatus};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{OpenOutcome, PortError, SessionRepository, UserRepository};
use tokio::task::yield_now;
use uuid::Uuid;

use super::registration::to_milliseconds;
use super::{Fault, FaultyStore, unavailable};

const YEAR: Duration = Duration::from_secs(366 * 24 * 3_600);

impl FaultyStore {
    pub(super) async fn open_with_fault(
        &self,
        new: &NewSession,
        policy: &SessionPolicy,
    ) -> Result<OpenOutcome, PortError> {
        if self.is(Fault::OverflowsOnHugeLimits) && policy.idle > YEAR {
            return Err(unavailable("interval out of range"));
        }
        let new = &self.altered_session(new).await?;
        if self.is(Fault::KeepsFamiliesOfPurgedSessions) && self.log().families.contains_key(&new.family) {
            return Err(unavailable("duplicate key"));
        }
        let user = new.session.user_id;
        let record = self.inner.find_with_password(user).await?;
        let is_new = !self
            .log()
            .opened
            .iter()
            .any(|known| known.session.id == new.session.id || known.family == new.family);
        let may_open = is_new
            && record.as_ref().is_some_and(|record| {
                new.may_begin(record.user.status, record.password.version, &record.user.roles)
            });
        if self.refuses(user) {
            return Ok(OpenOutcome::Denied);
        }
        if self.is(Fault::ChecksUsersBeforeItOpens) && may_open {
            yield_now().await;
            if self.inner.open(new, policy).await? == OpenOutcome::Denied
                && let Some(record) = record
            {
                self.log().altered.insert(new.session.id, (new.session.clone(), record.user));
            }
            return Ok(OpenOutcome::Opened);
        }
        let outcome = self.open_within_limit(new, policy, may_open).await?;
        if outcome == OpenOutcome::Opened {
            let mut log = self.log();
            log.families.insert(new.family, new.session.id);
            log.opened.push(new.clone());
            return Ok(outcome);
        }
        let is_there = UserRepository::find(&*self.inner, &UserRef::Id(user)).await?.is_some();
        match self.fault {
            Fault::OpensForSuspendedUsers if is_there && !self.is_active(user).await? => {
                Ok(OpenOutcome::Opened)
            }
            Fault::OpensForUnknownUsers if !is_there => Ok(OpenOutcome::Opened),
            _ => Ok(outcome),
        }
    }

    async fn altered_session(&self, new: &NewSession) -> Result<NewSession, PortError> {
        let mut new = new.clone();
        match self.fault {
            Fault::RewritesTheNilSessionId if new.session.id.0.is_nil() => {
                new.session.id = SessionId(Uuid::from_u128(99));
            }
            Fault::TruncatesSessionTimes => new.session.created_at = to_milliseconds(new.session.created_at),
            Fault::OpensForOutdatedPasswords => {
                if let Some(record) = self.inner.find_with_password(new.session.user_id).await? {
                    new.password_version = record.password.version;
                }
            }
            Fault::OpensForOutdatedRoles => {
                if let Some(record) = self.inner.find_with_password(new.session.user_id).await? {
                    new.roles = record.user.roles;
                }
            }
            _ => {}
        }
        Ok(new)
    }

    fn refuses(&self, user: UserId) -> bool {
        let log = self.log();
        match self.fault {
            Fault::RefusesAfterHashUpgrades => log.hash_upgraded.contains(&user),
            Fault::RefusesAfterSuspensions => log.suspended_before.contains(&user),
            _ => false,
        }
    }

    async fn is_active(&self, user: UserId) -> Result<bool, PortError> {
        let user = UserRepository::find(&*self.inner, &UserRef::Id(user)).await?;
        Ok(user.is_some_and(|user| user.status == UserStatus::Active))
    }

    async fn open_within_limit(
        &self,
        new: &NewSession,
        policy: &SessionPolicy,
        may_open: bool,
    ) -> Result<OpenOutcome, PortError> {
        let mut unlimited = policy.clone();
        unlimited.max_live = u32::MAX;
        match self.fault {
            Fault::HasNoLimit => self.inner.open(new, &unlimited).await,
            Fault::EndsSessionsForRefusedOnes => {
                self.end_surplus(&new.session, policy).await?;
                self.inner.open(new, &unlimited).await
            }
            Fault::EndsTheNewest
            | Fault::EndsTheLeastBusy
            | Fault::EndsOneAtMost
            | Fault::CountsExpiredSessions
            | Fault::CountsEndedSessions
            | Fault::CountsToTheSecond
            | Fault::CountsSessionsOfAllUsers
            | Fault::CountsBeforeItOpens
            | Fault::SupersedesAsLoggedOut
                if may_open =>
            {
                self.end_surplus(&new.session, policy).await?;
                self.inner.open(new, &unlimited).await
            }
            Fault::EndsNewSessionsWithEarlierTimes => {
                let opened = self.inner.open(new, &unlimited).await?;
                self.log().opened.push(new.clone());
                let mut crowded = policy.clone();
                crowded.max_live = policy.max_live.saturating_add(1);
                self.end_surplus(&new.session, &crowded).await?;
                self.log().opened.pop();
                Ok(opened)
            }
            Fault::OverwritesSessionsWithTheSameId => {
                Ok(self.inner.open(new, policy).await.unwrap_or(OpenOutcome::Opened))
            }
            _ => self.inner.open(new, policy).await,
        }
    }

    /// Ends the sessions that this store considers the oldest live ones.
    async fn end_surplus(&self, new: &Session, policy: &SessionPolicy) -> Result<(), PortError> {
        let mut live = Vec::new();
        let opened = self.log().opened.clone();
        for known in opened {
            let whose = known.session.user_id == new.user_id || self.is(Fault::CountsSessionsOfAllUsers);
            if let (true, Some((session, _))) =
                (whose, SessionRepository::find(&*self.inner, known.session.id).await?)
                && self.counts(&session, new.created_at, policy)
            {
                live.push(session);
            }
        }
        match self.fault {
            Fault::EndsTheNewest => live.sort_by_key(|session| Reverse(session.created_at)),
            Fault::EndsTheLeastBusy => live.sort_by_key(|session| session.last_refreshed_at),
            _ => live.sort_by_key(|session| session.created_at),
        }
        let room = usize::try_from(policy.max_live).unwrap_or(usize::MAX).saturating_sub(1);
        let surplus = live.len().saturating_sub(room);
        let surplus = if self.is(Fault::EndsOneAtMost) { surplus.min(1) } else { surplus };
        if self.is(Fault::CountsBeforeItOpens) {
            yield_now().await;
        }
        let reason =
            if self.is(Fault::SupersedesAsLoggedOut) { EndReason::LoggedOut } else { EndReason::Superseded };
        for session in live.into_iter().take(surplus) {
            self.inner.end(session.id, reason, new.created_at).await?;
        }
        Ok(())
    }

    fn counts(&self, session: &Session, now: Timestamp, policy: &SessionPolicy) -> bool {
        match self.fault {
            Fault::CountsExpiredSessions => session.end.is_none(),
            Fault::CountsEndedSessions => now < session.ends_at(policy),
            Fault::CountsToTheSecond => session.is_live(now.plus(Duration::from_secs(1)), policy),
            _ => session.is_live(now, policy),
        }
    }
}
