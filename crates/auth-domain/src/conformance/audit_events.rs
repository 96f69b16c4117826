//! The audit trail.

use std::time::Duration;

use super::concurrency::{concurrently, rounds};
use super::fixture::{Fixture, last_micro, later, now, roles};
use super::{CaseFuture, StoreUnderTest};
use crate::model::{
    AUDIT_DETAIL_MAX_BYTES, ApiKeyId, AuditAction, AuditDetail, AuditEvent, AuditFilter, AuditId,
    AuditOutcome, AuditRecord, AuditedCaller, ClientAddress, ClientId, DenialReason, MergedEvents, RequestId,
    SessionId, Timestamp, UserId,
};
use crate::policy::SessionPolicy;

/// An event without optional members, `seconds` after [`now`].
fn plain(seconds: u64) -> AuditEvent {
    AuditEvent {
        at: later(seconds),
        merged: None,
        action: AuditAction::UserLoggedIn,
        outcome: AuditOutcome::Succeeded,
        user: None,
        session: None,
        client: None,
        caller: AuditedCaller::default(),
        detail: None,
    }
}

/// Events that differ in their times.
fn plain_events(count: u64) -> Vec<AuditEvent> {
    (0..count).map(plain).collect()
}

fn address(text: &str) -> ClientAddress {
    text.parse().expect("an address")
}

async fn append(fixture: &Fixture<'_>, events: &[AuditEvent]) {
    fixture.audit_events().append(events).await.expect("no error");
}

async fn list(
    fixture: &Fixture<'_>,
    filter: &AuditFilter,
    after: Option<AuditId>,
    limit: u32,
) -> Vec<AuditRecord> {
    fixture.audit_events().list(filter, after, limit).await.expect("no error")
}

async fn all(fixture: &Fixture<'_>) -> Vec<AuditRecord> {
    list(fixture, &AuditFilter::default(), None, u32::MAX).await
}

/// The records that match the filter.
fn matching(filter: &AuditFilter, records: &[AuditRecord]) -> Vec<AuditRecord> {
    records.iter().filter(|record| filter.matches(&record.event)).cloned().collect()
}

fn events(records: Vec<AuditRecord>) -> Vec<AuditEvent> {
    records.into_iter().map(|record| record.event).collect()
}

pub(super) async fn event_is_returned_as_appended(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let api_key = Some(ApiKeyId(fixture.uuid()));
    let whole = AuditEvent {
        user: Some(UserId(fixture.uuid())),
        session: Some(SessionId(fixture.uuid())),
        client: Some(ClientId::from("example".to_owned())),
        merged: Some(MergedEvents { count: 3, last_at: later(1) }),
        caller: AuditedCaller { address: Some(address("192.0.2.1")), request: Some(RequestId(7)), api_key },
        detail: Some(AuditDetail::from(&roles("admin,customer"))),
        ..plain(0)
    };
    let longest = AuditDetail::from_stored("\u{1f600}".repeat(1_000));
    let variants = [
        plain(0),
        AuditEvent { user: whole.user, ..plain(0) },
        AuditEvent { session: whole.session, ..plain(0) },
        AuditEvent { client: whole.client.clone(), ..plain(0) },
        AuditEvent {
            caller: AuditedCaller { address: Some(address("2001:db8::1")), ..AuditedCaller::default() },
            ..plain(0)
        },
        AuditEvent {
            caller: AuditedCaller { request: Some(RequestId(0)), ..AuditedCaller::default() },
            ..plain(0)
        },
        AuditEvent {
            caller: AuditedCaller { request: Some(RequestId(u64::MAX)), ..AuditedCaller::default() },
            ..plain(0)
        },
        AuditEvent { caller: AuditedCaller { api_key, ..AuditedCaller::default() }, ..plain(0) },
        AuditEvent { detail: Some(longest), ..plain(0) },
        AuditEvent { detail: Some(AuditDetail::from_stored("d".repeat(AUDIT_DETAIL_MAX_BYTES))), ..plain(0) },
        AuditEvent { client: Some(ClientId::from("c".repeat(255))), ..plain(0) },
        AuditEvent {
            detail: Some(AuditDetail::from_stored("'; DROP TABLE -- \"\\u0041\" [,] {\u{1}\t\n}".to_owned())),
            ..plain(0)
        },
        AuditEvent { merged: Some(MergedEvents { count: 2, last_at: later(0) }), ..plain(0) },
        AuditEvent { merged: Some(MergedEvents { count: u32::MAX, last_at: Timestamp::MAX }), ..plain(0) },
        AuditEvent { at: Timestamp::UNIX_EPOCH, ..plain(0) },
        AuditEvent { at: Timestamp::MAX, ..plain(0) },
        AuditEvent {
            at: last_micro(),
            merged: Some(MergedEvents { count: 2, last_at: last_micro() }),
            ..plain(0)
        },
        AuditEvent { at: now().plus(Duration::from_micros(1)), ..plain(0) },
        whole,
    ];
    for event in &variants {
        append(&fixture, std::slice::from_ref(event)).await;
        assert_eq!(all(&fixture).await.pop().map(|record| record.event).as_ref(), Some(event));
    }
    append(&fixture, &variants).await;
    assert_eq!(events(all(&fixture).await)[variants.len()..], variants, "appended in one call");
}

pub(super) async fn every_action_and_denial_reason_is_returned(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let actions = AuditAction::ALL.iter().map(|action| AuditEvent { action: *action, ..plain(0) });
    let denials = DenialReason::ALL
        .iter()
        .map(|reason| AuditEvent { outcome: AuditOutcome::Denied(*reason), ..plain(0) });
    let appended: Vec<_> = actions.chain(denials).collect();
    append(&fixture, &appended).await;
    assert_eq!(events(all(&fixture).await), appended);
}

pub(super) async fn pages_list_every_event_once_in_append_order(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    assert_eq!(all(&fixture).await, vec![], "a fresh store is empty");
    let mut appended = plain_events(7);
    appended.reverse(); // the order is that of the calls, not of the times
    append(&fixture, &appended[..3]).await;
    append(&fixture, &[]).await;
    append(&fixture, &appended[3..]).await;
    for limit in [1, 2, 3, 7, 8] {
        let mut listed: Vec<AuditRecord> = Vec::new();
        loop {
            let after = listed.last().map(|record| record.id);
            let page = list(&fixture, &AuditFilter::default(), after, limit).await;
            assert!(page.len() <= limit as usize, "a page must not exceed {limit} events");
            if page.is_empty() {
                break;
            }
            listed.extend(page);
            assert!(listed.len() <= appended.len(), "pages of {limit} must end");
        }
        assert!(listed.is_sorted_by(|one, next| one.id < next.id), "the numbers must increase");
        assert_eq!(events(listed), appended, "pages of {limit}");
    }
    assert_eq!(list(&fixture, &AuditFilter::default(), None, 0).await, vec![]);
}

pub(super) async fn latest_events_are_in_ascending_order(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let appended = plain_events(1_000);
    append(&fixture, &appended).await;
    let all = all(&fixture).await;
    assert_eq!(events(all.clone()), appended, "the order of the call");
    let page = list(&fixture, &AuditFilter::default(), None, 1_000).await;
    assert_eq!(page, all, "a page of 1,000");
    for (limit, first) in [(0, 1_000), (1, 999), (3, 997), (200, 800), (1_000, 0), (u32::MAX, 0)] {
        let latest = fixture.audit_events().latest(&AuditFilter::default(), limit).await.expect("no error");
        assert_eq!(latest, all[first..], "the latest {limit}");
    }
}

pub(super) async fn filter_selects_exactly_the_matching_events(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let [jane, paul] = [fixture.uuid(), fixture.uuid()].map(|id| Some(UserId(id)));
    let mut appended = Vec::new();
    for (second, (user, action)) in (0..).zip([
        (jane, AuditAction::UserLoggedIn),
        (paul, AuditAction::UserLoggedIn),
        (jane, AuditAction::SessionRefreshed),
        (None, AuditAction::UserLoggedIn),
        (jane, AuditAction::UserLoggedIn),
        (paul, AuditAction::UserDeleted),
    ]) {
        appended.push(AuditEvent { action, user, ..plain(second) });
    }
    append(&fixture, &appended).await;
    let all = all(&fixture).await;
    for user in [None, jane, paul, Some(UserId(fixture.uuid()))] {
        for action in [None, Some(AuditAction::UserLoggedIn), Some(AuditAction::UserSuspended)] {
            for since in [None, Some(later(0)), Some(later(3).plus(Duration::from_micros(1))), Some(later(9))]
            {
                let filter = AuditFilter { user, action, since };
                assert_eq!(list(&fixture, &filter, None, 10).await, matching(&filter, &all), "{filter:?}");
                assert_eq!(
                    list(&fixture, &filter, Some(all[1].id), 10).await,
                    matching(&filter, &all[2..]),
                    "{filter:?}"
                );
                let latest = fixture.audit_events().latest(&filter, 10).await.expect("no error");
                assert_eq!(latest, matching(&filter, &all), "{filter:?}");
            }
        }
    }
}

pub(super) async fn event_outlives_its_user(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let (deleted, purged) = (fixture.open(&user, now()).await, fixture.open(&user, now()).await);
    let key = fixture.new_api_key("backend");
    fixture.api_keys().insert(&key).await.expect("no error");
    let caller = AuditedCaller { api_key: Some(key.key.id), ..AuditedCaller::default() };
    let appended = [deleted, purged].each_ref().map(|new| AuditEvent {
        user: Some(user.id),
        session: Some(new.session.id),
        client: Some(new.session.client_id.clone()),
        caller: caller.clone(),
        ..plain(0)
    });
    append(&fixture, &appended).await;
    let purged = appended[1].session.expect("a session");
    assert!(fixture.log_out(purged, later(1)).await);
    let policy = SessionPolicy::default();
    while fixture.sessions().purge(later(2), &policy, 10).await.expect("no error") > 0 {}
    assert_eq!(fixture.find_session(purged).await, None);
    assert!(fixture.api_keys().revoke(key.key.id, later(2)).await.expect("no error"));
    assert!(fixture.users().delete(user.id).await.expect("no error"));
    let filter = AuditFilter { user: Some(user.id), ..AuditFilter::default() };
    assert_eq!(events(list(&fixture, &filter, None, 10).await), appended);
}

pub(super) async fn purge_deletes_only_earlier_events_up_to_the_limit(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut appended: Vec<_> = [3, 0, 4, 2, 1, 5].map(plain).into();
    appended[1].merged = Some(MergedEvents { count: 2, last_at: later(9) }); // its time is that of the first one
    append(&fixture, &appended).await;
    let mut left = appended.len();
    for (limit, purged) in [(0, 0), (2, 2), (1, 1), (10, 0)] {
        assert_eq!(fixture.audit_events().purge(later(3), limit).await.expect("no error"), purged);
        left -= usize::try_from(purged).expect("few");
        assert_eq!(all(&fixture).await.len(), left, "limit {limit}");
    }
    assert_eq!(events(all(&fixture).await), [3, 4, 5].map(plain), "an event of exactly that time stays");
}

pub(super) async fn number_of_a_purged_event_is_not_reused(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    append(&fixture, &plain_events(3)).await;
    let last = all(&fixture).await.pop().expect("an event").id;
    assert_eq!(fixture.audit_events().purge(Timestamp::MAX, 10).await.expect("no error"), 3);
    append(&fixture, &plain_events(1)).await;
    assert_eq!(
        list(&fixture, &AuditFilter::default(), Some(last), 10).await.len(),
        1,
        "the new event follows the last number"
    );
}

pub(super) async fn reader_misses_no_event_of_concurrent_writers(store: &dyn StoreUnderTest) {
    const WRITERS: u64 = 12;
    let fixture = Fixture::new(store);
    let mut listed: Vec<AuditRecord> = Vec::new();
    let mut appended = 0;
    for _ in rounds() {
        let batches: Vec<_> =
            (0..WRITERS).map(|writer| [0, 1].map(|event| plain(appended + writer * 2 + event))).collect();
        appended += WRITERS * 2;
        let mut page = Vec::new();
        let mut calls: Vec<CaseFuture<'_>> = Vec::new();
        for batch in &batches {
            calls.push(Box::pin(append(&fixture, batch)));
        }
        calls.push(Box::pin(async {
            for _ in 0..5 {
                let after = page.last().or(listed.last()).map(|record: &AuditRecord| record.id);
                page.extend(list(&fixture, &AuditFilter::default(), after, u32::MAX).await);
            }
        }));
        concurrently(calls);
        listed.extend(page);
    }
    let after = listed.last().map(|record| record.id);
    listed.extend(list(&fixture, &AuditFilter::default(), after, u32::MAX).await);
    let mut listed = events(listed);
    for pair in listed.chunks_exact(2) {
        let apart = pair[1].at.since(pair[0].at);
        assert_eq!(apart, Duration::from_secs(1), "the events of one call must be adjacent");
    }
    listed.sort_unstable_by_key(|event| event.at);
    assert_eq!(listed, plain_events(appended), "each event must be listed exactly once");
}

pub(super) async fn pages_of_12_events_are_in_the_order_of_their_numbers(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let [jane, paul] = [fixture.uuid(), fixture.uuid()].map(|id| Some(UserId(id)));
    for number in 0..12 {
        // The times are not in the order of the calls.
        let user = if number % 3 == 0 { jane } else { paul };
        append(&fixture, &[AuditEvent { user, ..plain((number * 5) % 12) }]).await;
    }
    let all = all(&fixture).await;
    let appended: Vec<_> = (0..12).map(|number| later((number * 5) % 12)).collect();
    assert_eq!(all.iter().map(|record| record.event.at).collect::<Vec<_>>(), appended);
    for user in [None, jane, paul] {
        let filter = AuditFilter { user, ..AuditFilter::default() };
        for (index, record) in all.iter().enumerate() {
            let after = matching(&filter, &all[index + 1..]);
            for limit in [1, 3, 11] {
                let page = list(&fixture, &filter, Some(record.id), limit).await;
                assert_eq!(page, after[..after.len().min(limit as usize)], "{limit} after {index}");
            }
        }
        let matching = matching(&filter, &all);
        for limit in [1, 3, 11] {
            let latest = fixture.audit_events().latest(&filter, limit).await.expect("no error");
            assert_eq!(
                latest,
                matching[matching.len().saturating_sub(limit as usize)..],
                "the latest {limit}"
            );
        }
    }
}
