//! The log of audit events, and the bounds on what it stores.

use std::time::Duration;

use uuid::Uuid;

use super::AuditLogUnderTest;
use super::concurrency::concurrently;
use crate::model::{
    AuditAction, AuditEvent, AuditOutcome, AuditedCaller, ClientAddress, DenialReason, MergedEvents,
    RequestId, SessionId, Timestamp, UserId,
};

/// The events of one minute: that of the log's clock, or a later one.
#[derive(Clone, Copy)]
struct Minute(Timestamp);

impl Minute {
    fn of(log: &dyn AuditLogUnderTest) -> Self {
        let seconds = log.now().unix_seconds();
        Self(Timestamp::from_unix_seconds(seconds - seconds.rem_euclid(60)))
    }

    fn next(self) -> Self {
        Self(self.0.plus(Duration::from_secs(60)))
    }

    fn succeeded(self, second: u64, action: AuditAction) -> AuditEvent {
        AuditEvent {
            at: self.0.plus(Duration::from_secs(second)),
            merged: None,
            action,
            outcome: AuditOutcome::Succeeded,
            user: Some(UserId(Uuid::from_u128(1))),
            session: None,
            client: None,
            caller: AuditedCaller::default(),
            detail: None,
        }
    }

    fn denied(self, second: u64, action: AuditAction, reason: DenialReason) -> AuditEvent {
        AuditEvent { outcome: AuditOutcome::Denied(reason), ..self.succeeded(second, action) }
    }

    fn missing_role(self, second: u64) -> AuditEvent {
        self.denied(second, AuditAction::ResourceOpened, DenialReason::MissingRole)
    }
}

fn record(log: &dyn AuditLogUnderTest, events: &[AuditEvent]) {
    for event in events {
        log.log().record(event.clone());
    }
}

fn counts(events: &[AuditEvent]) -> Vec<u32> {
    events.iter().map(AuditEvent::count).collect()
}

pub(super) async fn first_event_of_a_kind_is_stored_at_once(log: &dyn AuditLogUnderTest) {
    let event = Minute::of(log).missing_role(0);
    record(log, std::slice::from_ref(&event));
    assert_eq!(log.stored().await, [event]);
}

pub(super) async fn single_events_are_stored_in_the_order_of_the_calls(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    let events = [
        minute.succeeded(3, AuditAction::UserRegistered),
        minute.succeeded(1, AuditAction::UserLoggedIn),
        minute.missing_role(2),
        minute.succeeded(2, AuditAction::UserRolesSet),
    ];
    record(log, &events);
    assert_eq!(log.close().await, events);
}

pub(super) async fn repeats_of_a_minute_are_stored_as_one_event(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    let events: Vec<_> = (0..50).map(|second| minute.missing_role(second)).collect();
    record(log, &events);
    let merged = MergedEvents { count: 49, last_at: events[49].at };
    assert_eq!(
        log.close().await,
        [events[0].clone(), AuditEvent { merged: Some(merged), ..events[1].clone() }]
    );
}

pub(super) async fn repeats_of_two_minutes_are_stored_separately(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    record(log, &[0, 1, 2].map(|second| minute.missing_role(second)));
    record(log, &[0, 1, 2].map(|second| minute.next().missing_role(second)));
    assert_eq!(counts(&log.close().await), [1, 2, 1, 2]);
}

pub(super) async fn merged_event_has_only_shared_members(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    let requests = [1, 2, 3].map(|number| AuditEvent {
        session: Some(SessionId(Uuid::from_u128(7))),
        caller: AuditedCaller { request: Some(RequestId(number)), ..AuditedCaller::default() },
        ..minute.missing_role(number)
    });
    record(log, &requests);
    let stored = log.close().await;
    assert_eq!(counts(&stored), [1, 2]);
    assert_eq!(stored[1].session, requests[0].session);
    assert_eq!(stored[1].caller.request, None, "the requests differ");
}

pub(super) async fn subjects_are_counted_separately(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    let users =
        [1, 2].map(|user| AuditEvent { user: Some(UserId(Uuid::from_u128(user))), ..minute.missing_role(0) });
    record(log, &users);
    assert_eq!(log.stored().await, users);
}

pub(super) async fn denials_of_many_addresses_are_bounded(log: &dyn AuditLogUnderTest) {
    const DENIALS: u32 = 10_000;
    let denied = Minute::of(log).denied(0, AuditAction::UserRegistered, DenialReason::RoleNotOffered);
    for number in 0..DENIALS {
        let address = Some(ClientAddress::from((0x0a00_0000 + number).to_be_bytes()));
        let caller = AuditedCaller { address, ..AuditedCaller::default() };
        record(log, &[AuditEvent { user: None, caller, ..denied.clone() }]);
    }
    let stored = log.close().await;
    assert!(stored.len() < 500, "{} events", stored.len());
    assert_eq!(counts(&stored).iter().sum::<u32>(), DENIALS);
}

pub(super) async fn successes_of_one_subject_are_bounded(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    for action in [AuditAction::UserLoggedIn, AuditAction::SessionRefreshed, AuditAction::UserUpdated] {
        record(log, &vec![minute.succeeded(0, action); 1_000]);
    }
    let stored = log.close().await;
    assert!(stored.len() < 300, "{} events", stored.len());
    assert_eq!(counts(&stored).iter().sum::<u32>(), 3_000);
}

pub(super) async fn every_replay_is_stored(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    let replay = |second| minute.denied(second, AuditAction::SessionReplayed, DenialReason::UsedBefore);
    let replays: Vec<_> = (0..50).map(replay).collect();
    record(log, &replays);
    assert_eq!(log.close().await, replays);
}

pub(super) async fn events_that_are_not_kept_are_not_stored(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    let noise = minute.denied(0, AuditAction::SessionRefreshed, DenialReason::NotOurs);
    record(log, &[noise.clone(), minute.missing_role(1), noise]);
    assert_eq!(log.close().await, [minute.missing_role(1)]);
}

pub(super) async fn concurrent_events_are_all_counted(log: &dyn AuditLogUnderTest) {
    let minute = Minute::of(log);
    let mut recorded = 0;
    for _ in 0..20 {
        concurrently((0..8).map(|user| async move {
            for _ in 0..4 {
                let event =
                    AuditEvent { user: Some(UserId(Uuid::from_u128(user % 2))), ..minute.missing_role(0) };
                record(log, &[event]);
            }
        }));
        recorded += 32;
    }
    assert_eq!(counts(&log.close().await).iter().sum::<u32>(), recorded, "no event is lost or counted twice");
}
