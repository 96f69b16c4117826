use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::model::{AuditDetail, AuditedCaller, ClientAddress, DenialReason, MergedEvents, RequestId, Role};

/// The first moment of a minute.
const START: Timestamp = Timestamp::from_const(1_755_080_100_000_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn event(action: AuditAction) -> AuditEvent {
    AuditEvent {
        at: START,
        merged: None,
        action,
        outcome: AuditOutcome::Succeeded,
        user: None,
        session: None,
        client: None,
        caller: AuditedCaller::default(),
        detail: None,
    }
}

fn denied(action: AuditAction, reason: DenialReason) -> AuditEvent {
    AuditEvent { outcome: AuditOutcome::Denied(reason), ..event(action) }
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

fn from_address(address: impl Into<ClientAddress>) -> AuditedCaller {
    AuditedCaller { address: Some(address.into()), ..AuditedCaller::default() }
}

/// Everything that is stored of these events after their minute.
fn stored(events: impl IntoIterator<Item = AuditEvent>) -> Vec<AuditEvent> {
    let mut aggregator = AuditAggregator::new();
    let mut stored: Vec<_> = events.into_iter().flat_map(|event| aggregator.add(event)).collect();
    stored.extend(aggregator.take_all());
    stored
}

fn counts(events: &[AuditEvent]) -> Vec<u32> {
    events.iter().map(AuditEvent::count).collect()
}

fn wrong_password() -> AuditEvent {
    AuditEvent {
        user: Some(user(1)),
        caller: from_address([192, 0, 2, 1]),
        ..denied(AuditAction::UserLoggedIn, DenialReason::WrongPassword)
    }
}

fn not_offered() -> AuditEvent {
    denied(AuditAction::UserRegistered, DenialReason::RoleNotOffered)
}

#[test]
fn repeats_of_a_denial_become_one_event() {
    let missing = denied(AuditAction::ResourceOpened, DenialReason::MissingRole);
    let events = (0..50).map(|second| AuditEvent { at: at(second), user: Some(user(1)), ..missing.clone() });
    let stored = stored(events);
    assert_eq!(counts(&stored), [1, 49]);
    assert_eq!((stored[0].at, stored[0].merged), (at(0), None));
    let merged = MergedEvents { count: 49, last_at: at(49) };
    assert_eq!((stored[1].at, stored[1].merged), (at(1), Some(merged)));
    assert_eq!(stored[1].user, Some(user(1)));
}

#[test]
fn single_repeat_stays_as_it_is() {
    let repeat = AuditEvent { at: at(7), ..wrong_password() };
    assert_eq!(stored([wrong_password(), repeat.clone()])[1], repeat);
}

#[test]
fn merged_event_has_only_the_members_that_all_share() {
    let role = |name: &str| Some(AuditDetail::from(&Role::parse(name).expect("a role")));
    let request = |number: u64, name: &str| {
        let caller = AuditedCaller { request: Some(RequestId(number)), ..from_address([192, 0, 2, 1]) };
        AuditEvent { caller, detail: role(name), ..not_offered() }
    };
    let stored = stored([request(1, "admin"), request(2, "root"), request(3, "staff"), request(4, "root")]);
    assert_eq!(counts(&stored), [1, 3]);
    assert_eq!((stored[0].caller.request, &stored[0].detail), (Some(RequestId(1)), &role("admin")));
    assert_eq!((stored[1].caller.request, &stored[1].detail), (None, &None));
    assert_eq!(stored[1].caller.address, from_address([192, 0, 2, 1]).address);
}

#[test]
fn next_minute_starts_with_a_single_event() {
    let mut aggregator = AuditAggregator::new();
    let times = [0, 1, 59, 60, 61];
    let added = times.map(|second| aggregator.add(AuditEvent { at: at(second), ..wrong_password() }));
    assert_eq!(added.map(|added| counts(&added)), [vec![1], vec![], vec![], vec![2, 1], vec![]]);
    assert_eq!(counts(&aggregator.take_due(at(119))), Vec::<u32>::new());
    assert_eq!(counts(&aggregator.take_due(at(120))), [1]);
}

#[test]
fn events_around_the_end_of_a_minute_may_be_out_of_order() {
    let mut aggregator = AuditAggregator::new();
    let times = [60, 59, 60, 59];
    let added = times.map(|second| aggregator.add(AuditEvent { at: at(second), ..wrong_password() }));
    assert_eq!(added.map(|added| counts(&added)), [vec![1], vec![], vec![], vec![]]);
    assert_eq!(aggregator.take_all()[0].at, at(59));
}

#[test]
fn clock_that_is_set_back_ends_the_minute() {
    let mut aggregator = AuditAggregator::new();
    let times = [600, 601, 0, 1];
    let added = times.map(|second| aggregator.add(AuditEvent { at: at(second), ..wrong_password() }));
    assert_eq!(added.map(|added| counts(&added)), [vec![1], vec![], vec![1, 1], vec![]]);
}

#[test]
fn kinds_are_counted_separately() {
    let one = wrong_password();
    let others = [
        AuditEvent { user: Some(user(2)), ..one.clone() },
        AuditEvent { caller: from_address([192, 0, 2, 2]), ..one.clone() },
        AuditEvent { outcome: AuditOutcome::Denied(DenialReason::UserSuspended), ..one.clone() },
        AuditEvent { action: AuditAction::UserPasswordChanged, ..one.clone() },
    ];
    let events = [vec![one], others.to_vec()].concat();
    assert_eq!(counts(&stored(events)), [1; 5]);
}

#[test]
fn strangers_of_one_network_are_one_subject() {
    let addresses = (0..1_000_u16).map(|host| [0x2001, 0xdb8, 1, 2, 0, 0, 0, host]);
    let events = addresses.map(|address| AuditEvent { caller: from_address(address), ..not_offered() });
    assert_eq!(counts(&stored(events)), [1, 999]);
}

#[test]
fn strangers_beyond_the_bound_are_one_subject() {
    let addresses = (0..10_000_u16).map(|network| [0x2001, 0xdb8, 1, network, 0, 0, 0, 1]);
    let events = addresses.map(|address| AuditEvent { caller: from_address(address), ..not_offered() });
    let stored = stored(events);
    let others = MAX_STRANGERS as usize;
    assert_eq!(counts(&stored)[..others], vec![1; others]);
    assert_eq!(counts(&stored)[others..], [1, 9_799]);
    assert_eq!(stored[others + 1].caller, AuditedCaller::default(), "it names no stranger");
}

#[test]
fn free_denials_do_not_hide_guesses() {
    let noise = (0..10_000_u16).map(|network| {
        let caller = from_address([0x2001, 0xdb8, 1, network, 0, 0, 0, 1]);
        AuditEvent { caller, ..not_offered() }
    });
    let stored = stored(noise.chain([wrong_password()]));
    assert!(stored.contains(&wrong_password()));
}

#[test]
fn strangers_do_not_hide_known_subjects() {
    let key = Some(ApiKeyId(Uuid::from_u128(1)));
    let revoked = AuditEvent {
        caller: AuditedCaller { api_key: key, ..AuditedCaller::default() },
        ..denied(AuditAction::ApiKeyUsed, DenialReason::KeyRevoked)
    };
    let strangers = (0..1_000_u16).map(|network| {
        let caller = from_address([0x2001, 0xdb8, 1, network, 0, 0, 0, 1]);
        AuditEvent { caller, ..denied(AuditAction::ApiKeyUsed, DenialReason::KeyRevoked) }
    });
    let mut aggregator = AuditAggregator::new();
    for stranger in strangers {
        aggregator.add(stranger);
    }
    assert_eq!(aggregator.add(revoked.clone()), [revoked]);
}

#[test]
fn denials_of_an_api_key_are_one_subject_at_every_address() {
    let key = Some(ApiKeyId(Uuid::from_u128(1)));
    let events = (0..250).map(|host| {
        let caller = AuditedCaller { api_key: key, ..from_address([192, 0, 2, host]) };
        AuditEvent { caller, ..denied(AuditAction::ApiKeyUsed, DenialReason::KeyRevoked) }
    });
    assert_eq!(counts(&stored(events)), [1, 249]);
}

#[test]
fn denied_changes_of_many_users_are_bounded() {
    let caller = AuditedCaller { api_key: Some(ApiKeyId(Uuid::from_u128(1))), ..AuditedCaller::default() };
    for action in [AuditAction::UserUpdated, AuditAction::UserDeleted] {
        let denied = AuditEvent { caller: caller.clone(), ..denied(action, DenialReason::MissingScope) };
        let events = (0..10_000).map(|number| AuditEvent { user: Some(user(number)), ..denied.clone() });
        let stored = stored(events);
        assert_eq!(stored.len(), MAX_STRANGERS as usize + 2);
        assert_eq!(counts(&stored).iter().sum::<u32>(), 10_000);
    }
}

#[test]
fn denied_refreshes_of_a_user_are_one_subject() {
    let over = denied(AuditAction::SessionRefreshed, DenialReason::SessionOver);
    let events = (0..100).map(|number| {
        let session = Some(SessionId(Uuid::from_u128(number)));
        AuditEvent { session, user: Some(user(1)), ..over.clone() }
    });
    assert_eq!(counts(&stored(events)), [1, 99]);
}

#[test]
fn refreshes_are_merged_for_each_session() {
    let refresh = |session| AuditEvent {
        user: Some(user(1)),
        session: Some(SessionId(Uuid::from_u128(session))),
        ..event(AuditAction::SessionRefreshed)
    };
    let events = [1, 2].into_iter().flat_map(|session| vec![refresh(session); 1_000]);
    let stored = stored(events);
    assert_eq!(counts(&stored)[..10], [1; 10]);
    assert_eq!(counts(&stored)[10..], [995, 995]);
    assert!(stored.iter().all(|event| event.session.is_some()));
}

#[test]
fn other_successes_are_bounded_by_subject() {
    let login = AuditEvent { user: Some(user(1)), ..event(AuditAction::UserLoggedIn) };
    let stored = stored(vec![login; 1_000]);
    assert_eq!(counts(&stored)[..60], [1; 60]);
    assert_eq!(counts(&stored)[60..], [940]);
}

#[test]
fn every_replay_is_a_single_event() {
    let replay =
        AuditEvent { user: Some(user(1)), ..denied(AuditAction::SessionReplayed, DenialReason::UsedBefore) };
    assert_eq!(counts(&stored(vec![replay; 1_000])), [1; 1_000]);
}

#[test]
fn events_that_are_not_kept_are_not_counted() {
    let unknown = denied(AuditAction::SessionRefreshed, DenialReason::NotOurs);
    assert_eq!(stored(vec![unknown; 10]), []);
}

#[test]
fn subjects_in_memory_are_bounded() {
    let mut aggregator = AuditAggregator::new();
    let mut total = 0;
    for number in 0..3 * MAX_SUBJECTS as u128 {
        let login = AuditEvent { user: Some(user(number)), ..event(AuditAction::UserLoggedIn) };
        let added = aggregator.add(login);
        assert_eq!(added.len(), 1);
        total += added[0].count();
        assert!(aggregator.tallies.len() <= MAX_SUBJECTS);
    }
    assert_eq!(total as usize, 3 * MAX_SUBJECTS);
}
