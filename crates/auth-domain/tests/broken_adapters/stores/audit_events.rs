//! Faults in audit events.

use std::time::Duration;

use async_trait::async_trait;
use auth_domain::model::{
    AuditEvent, AuditFilter, AuditId, AuditOutcome, AuditRecord, DenialReason, RequestId, Timestamp,
};
use auth_domain::ports::{AuditRepository, PortError, UserRepository};
use tokio::task::yield_now;

use super::registration::to_milliseconds;
use super::{Fault, FaultyStore};

#[async_trait]
impl AuditRepository for FaultyStore {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        let _call = self.begin().await?;
        let events: Vec<_> = events.iter().map(|event| self.altered(event.clone())).collect();
        if self.is(Fault::AppendsEventsOneByOne) {
            for event in &events {
                self.inner.append(std::slice::from_ref(event)).await?;
                yield_now().await;
            }
            return Ok(());
        }
        self.inner.append(&events).await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        let _call = self.begin().await?;
        let after = match self.fault {
            Fault::ListsTheLastEventAgain => after.map(|after| AuditId(after.0 - 1)),
            Fault::ReusesEventNumbers => self.renumbered(after).await?,
            _ => after,
        };
        let mut found = AuditRepository::list(&*self.inner, &self.widened(filter), after, limit).await?;
        match self.fault {
            Fault::ListsEventsByTime => found.sort_by_key(|record| record.event.at),
            Fault::ShowsEventsOutOfOrder => self.hold_back(&mut found),
            Fault::DeletesEventsWithTheirUser => self.remove_events_of_deleted_users(&mut found).await?,
            _ => {}
        }
        Ok(found)
    }

    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
        let _call = self.begin().await?;
        let mut found = self.inner.latest(&self.widened(filter), limit).await?;
        if self.is(Fault::ListsTheLatestFirst) {
            found.reverse();
        }
        Ok(found)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError> {
        let _call = self.begin().await?;
        match self.fault {
            Fault::PurgesEventsOfTheGivenTime => {
                AuditRepository::purge(&*self.inner, before.plus(Duration::from_micros(1)), limit).await
            }
            Fault::PurgesEventsWithoutLimit => AuditRepository::purge(&*self.inner, before, u32::MAX).await,
            _ => AuditRepository::purge(&*self.inner, before, limit).await,
        }
    }
}

impl FaultyStore {
    fn altered(&self, mut event: AuditEvent) -> AuditEvent {
        match self.fault {
            Fault::DropsDetails => event.detail = None,
            Fault::DropsCounts => event.merged = None,
            Fault::DropsAddresses => event.caller.address = None,
            Fault::TruncatesEventTimes => event.at = to_milliseconds(event.at),
            Fault::TruncatesRequestIds => {
                event.caller.request =
                    event.caller.request.map(|RequestId(id)| RequestId(id & i64::MAX as u64));
            }
            Fault::ReplacesADenialReason if event.outcome.denial() == Some(DenialReason::UsedBefore) => {
                event.outcome = AuditOutcome::Denied(DenialReason::NotOurs);
            }
            _ => {}
        }
        event
    }

    /// The filter without the part that the store ignores.
    fn widened(&self, filter: &AuditFilter) -> AuditFilter {
        match self.fault {
            Fault::IgnoresTheActionFilter => AuditFilter { action: None, ..filter.clone() },
            Fault::ExcludesTheFirstMoment => {
                let since = filter.since.map(|since| since.plus(Duration::from_micros(1)));
                AuditFilter { since, ..filter.clone() }
            }
            _ => filter.clone(),
        }
    }

    /// The number that an event would have if numbers of purged events were reused.
    async fn renumbered(&self, after: Option<AuditId>) -> Result<Option<AuditId>, PortError> {
        let first = AuditRepository::list(&*self.inner, &AuditFilter::default(), None, 1).await?;
        let purged = first.first().map_or(0, |record| record.id.0 - 1);
        Ok(after.map(|after| AuditId(after.0 + purged)))
    }

    /// Returns every second event one call later than its neighbours, as if it had received its number long before its
    /// commit.
    fn hold_back(&self, found: &mut Vec<AuditRecord>) {
        let mut log = self.log();
        found.retain(|record| {
            let is_new = record.id.0 % 2 == 1 && !log.events_held_back.contains(&record.id);
            if is_new {
                log.events_held_back.push(record.id);
            }
            !is_new
        });
    }

    async fn remove_events_of_deleted_users(&self, found: &mut Vec<AuditRecord>) -> Result<(), PortError> {
        let known: Vec<_> = UserRepository::list(&*self.inner, None, u32::MAX).await?;
        found
            .retain(|record| record.event.user.is_none_or(|user| known.iter().any(|known| known.id == user)));
        Ok(())
    }
}
