//! Faulty audit logs.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_domain::conformance::{AUDIT_LOG_CASES, AuditLogUnderTest};
use auth_domain::model::{AuditAction, AuditEvent, AuditOutcome, Timestamp};
use auth_domain::ports::AuditLog;
use auth_domain::testing::MemoryStore;

use crate::{assert_detected, failure};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    StoresAtTheEndOnly,
    StoresTheLastFirst,
    MergesNothing,
    MergesMinutes,
    KeepsTheFirstRequest,
    IgnoresUsers,
    DistinguishesEveryAddress,
    StoresEverySuccess,
    DropsRepeatedReplays,
    StoresNoise,
    LosesConcurrentEvents,
}

/// A log with one fault.
struct FaultyLog {
    fault: Fault,
    inner: MemoryStore,
    /// Events that bypass the correct log.
    stored: Mutex<Vec<AuditEvent>>,
    last: Mutex<Option<AuditEvent>>,
    recording: Mutex<()>,
}

fn faulty(fault: Fault) -> Arc<dyn AuditLogUnderTest> {
    Arc::new(FaultyLog {
        fault,
        inner: MemoryStore::new(),
        stored: Mutex::default(),
        last: Mutex::default(),
        recording: Mutex::default(),
    })
}

impl FaultyLog {
    /// Whether the fault stores an event that it should merge or drop.
    fn bypasses(&self, event: &AuditEvent) -> bool {
        match self.fault {
            Fault::MergesNothing => event.is_kept(),
            Fault::StoresNoise => !event.is_kept(),
            Fault::StoresEverySuccess => event.outcome == AuditOutcome::Succeeded,
            Fault::DistinguishesEveryAddress => event.caller.address.is_some(),
            _ => false,
        }
    }

    fn all(&self) -> Vec<AuditEvent> {
        let mut all = self.stored.lock().expect("no panic under the lock").clone();
        all.extend(self.inner.audit_events());
        if self.fault == Fault::StoresTheLastFirst {
            all.reverse();
        }
        all
    }
}

impl AuditLog for FaultyLog {
    fn record(&self, mut event: AuditEvent) {
        if self.fault == Fault::LosesConcurrentEvents {
            let Ok(_recording) = self.recording.try_lock() else { return };
            std::thread::yield_now();
            self.inner.record(event);
            return;
        }
        let last = self.last.lock().expect("no panic under the lock").replace(event.clone());
        if self.bypasses(&event) {
            self.stored.lock().expect("no panic under the lock").push(event);
            return;
        }
        match (self.fault, last) {
            (Fault::MergesMinutes, Some(last)) => event.at = last.at,
            (Fault::KeepsTheFirstRequest, Some(last)) => event.caller.request = last.caller.request,
            (Fault::DropsRepeatedReplays, Some(_)) if event.action == AuditAction::SessionReplayed => return,
            (Fault::IgnoresUsers, _) => event.user = None,
            _ => {}
        }
        if self.fault == Fault::MergesMinutes || self.fault == Fault::KeepsTheFirstRequest {
            *self.last.lock().expect("no panic under the lock") = Some(event.clone());
        }
        self.inner.record(event);
    }
}

#[async_trait]
impl AuditLogUnderTest for FaultyLog {
    fn log(&self) -> &dyn AuditLog {
        self
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn stored(&self) -> Vec<AuditEvent> {
        if self.fault == Fault::StoresAtTheEndOnly { Vec::new() } else { self.all() }
    }

    async fn close(&self) -> Vec<AuditEvent> {
        self.all()
    }
}

#[test]
fn correct_log_passes_every_case() {
    for case in AUDIT_LOG_CASES {
        assert_eq!(failure(case, &*faulty(Fault::None)), None, "{case}");
    }
}

#[test]
fn faulty_log_fails_its_cases() {
    let detected = [
        (Fault::StoresAtTheEndOnly, "first_event_of_a_kind_is_stored_at_once"),
        (Fault::StoresTheLastFirst, "single_events_are_stored_in_the_order_of_the_calls"),
        (Fault::MergesNothing, "repeats_of_a_minute_are_stored_as_one_event"),
        (Fault::MergesMinutes, "repeats_of_two_minutes_are_stored_separately"),
        (Fault::KeepsTheFirstRequest, "merged_event_has_only_shared_members"),
        (Fault::IgnoresUsers, "subjects_are_counted_separately"),
        (Fault::DistinguishesEveryAddress, "denials_of_many_addresses_are_bounded"),
        (Fault::StoresEverySuccess, "successes_of_one_subject_are_bounded"),
        (Fault::DropsRepeatedReplays, "every_replay_is_stored"),
        (Fault::LosesConcurrentEvents, "concurrent_events_are_all_counted"),
        (Fault::StoresNoise, "events_that_are_not_kept_are_not_stored"),
    ];
    assert_detected(AUDIT_LOG_CASES, detected.map(|(fault, case)| (faulty(fault), case)));
}
