//! Merges the repeats of audit events, so that the trail grows by a bounded number of events per minute.

use std::collections::HashMap;

use super::{AuditAction, AuditEvent, AuditOutcome};
use crate::model::{ApiKeyId, CounterKey, SessionId, Timestamp, UserId};

/// The successes of one action that a subject has one by one within a minute.
const SINGLE_SUCCESSES: u32 = 60;
/// The same for actions that a program repeats without a decision of a person. Their single events have little value.
const SINGLE_ROUTINE_SUCCESSES: u32 = 5;
/// The denials of one action, reason and subject that a minute has one by one. The first has all members; of the others
/// the number matters.
const SINGLE_DENIALS: u32 = 1;
/// The strangers that a minute distinguishes for each action and reason. Each kind has its own bound, so that denials
/// that cost a client nothing cannot hide those of a guesser.
const MAX_STRANGERS: u32 = 200;
/// The subjects that are distinguished at the same time: a few MiB. Above it, the minute ends early.
const MAX_SUBJECTS: usize = 10_000;

const MINUTE: i64 = 60;

/// Decides which events of the audit trail are stored one by one, and merges the others.
///
/// A minute has these events of one action, outcome and subject:
///
/// - Denials: the first one, and one merged event of its repeats.
/// - Refreshes and uses of an API key: the first 5, and one merged event of the others.
/// - Other successes: the first 60, and one merged event of the others.
/// - Replays: every one. Each ends a session, for which its user has verified a password.
///
/// The subject is the session of a refresh, else the user, session or API key that the caller has proved to have. The
/// caller of a denied registration, login, change or deletion is a *stranger* to the user that it named. Its subject is
/// the caller's API key or network, together with that user, if there is one. A minute has at most 200 strangers per action
/// and reason; all others are one subject.
///
/// A merged event has those members that all its events share.
#[derive(Debug, Default)]
pub struct AuditAggregator {
    /// The current minute since the Unix epoch.
    minute: i64,
    tallies: HashMap<Kind, Tally>,
    /// The number of strangers of each action and outcome in `tallies`.
    strangers: HashMap<(AuditAction, AuditOutcome), u32>,
}

/// Events of one kind are repeats of each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    action: AuditAction,
    outcome: AuditOutcome,
    subject: Subject,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    User(UserId),
    Session(SessionId),
    ApiKey(ApiKeyId),
    /// A caller, and the user that it named without a proof.
    Stranger(Option<CounterKey>, Option<UserId>),
    OtherStrangers,
}

#[derive(Debug, Default)]
struct Tally {
    /// The events that were stored one by one.
    singles: u32,
    /// The events after them. Boxed, because few subjects repeat an action.
    merged: Option<Box<AuditEvent>>,
}

impl AuditAggregator {
    /// Creates an aggregator without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event, and returns the events to store now, in their order. These are the merged events of the previous
    /// minute, and `event` itself unless it was merged or [is not kept](AuditEvent::is_kept).
    pub fn add(&mut self, event: AuditEvent) -> Vec<AuditEvent> {
        if !event.is_kept() {
            return Vec::new();
        }
        let mut due = self.take_due(event.at);
        if self.tallies.len() >= MAX_SUBJECTS {
            due = self.take_all();
        }
        due.extend(self.merge_repeat(event));
        due
    }

    /// Returns the merged events, if their minute is over at `now`.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<AuditEvent> {
        let minute = now.unix_seconds().div_euclid(MINUTE);
        // Concurrent events arrive slightly out of order, so the first of a minute can precede the last of the previous
        // one. A time before both is a clock that was set back.
        if minute == self.minute || minute == self.minute - 1 {
            return Vec::new();
        }
        self.minute = minute;
        self.take_all()
    }

    /// Returns all merged events, oldest first, and ends the minute.
    pub fn take_all(&mut self) -> Vec<AuditEvent> {
        self.strangers.clear();
        let merged = self.tallies.drain().filter_map(|(_, tally)| tally.merged);
        let mut merged: Vec<_> = merged.map(|event| *event).collect();
        merged.sort_by_key(|event| event.at);
        merged
    }

    /// Merges an event, or returns it to be stored by itself.
    fn merge_repeat(&mut self, event: AuditEvent) -> Option<AuditEvent> {
        let Some(singles) = max_singles(&event) else { return Some(event) };
        let kind = self.kind_of(&event);
        let tally = self.tallies.entry(kind).or_default();
        if tally.singles < singles {
            tally.singles += 1;
            return Some(event);
        }
        match &mut tally.merged {
            Some(merged) => merged.merge(&event),
            None => tally.merged = Some(Box::new(event)),
        }
        None
    }

    fn kind_of(&mut self, event: &AuditEvent) -> Kind {
        let AuditEvent { action, outcome, .. } = *event;
        let kind = Kind { action, outcome, subject: Subject::of(event) };
        let is_new_stranger = matches!(kind.subject, Subject::Stranger(..))
            && outcome != AuditOutcome::Succeeded
            && !self.tallies.contains_key(&kind);
        if !is_new_stranger {
            return kind;
        }
        let strangers = self.strangers.entry((action, outcome)).or_default();
        if *strangers >= MAX_STRANGERS {
            return Kind { subject: Subject::OtherStrangers, ..kind };
        }
        *strangers += 1;
        kind
    }
}

impl Subject {
    fn of(event: &AuditEvent) -> Self {
        let is_success = event.outcome == AuditOutcome::Succeeded;
        let stranger = || Self::Stranger(CounterKey::of_audited(&event.caller), event.user);
        match event.action {
            // The caller only named the user of these, and can name any other.
            AuditAction::UserRegistered
            | AuditAction::UserLoggedIn
            | AuditAction::UserUpdated
            | AuditAction::UserDeleted
                if !is_success =>
            {
                return stranger();
            }
            AuditAction::SessionRefreshed if is_success => {
                if let Some(session) = event.session {
                    return Self::Session(session);
                }
            }
            _ => {}
        }
        match (event.user, event.session, event.caller.api_key) {
            (Some(user), ..) => Self::User(user),
            (None, Some(session), _) => Self::Session(session),
            (None, None, Some(key)) => Self::ApiKey(key),
            (None, None, None) => stranger(),
        }
    }
}

/// The number of events of this kind that a minute has one by one. `None` is unlimited.
fn max_singles(event: &AuditEvent) -> Option<u32> {
    match (event.action, event.outcome) {
        (AuditAction::SessionReplayed, _) => None,
        (_, AuditOutcome::Denied(_)) => Some(SINGLE_DENIALS),
        (AuditAction::SessionRefreshed | AuditAction::ApiKeyUsed, _) => Some(SINGLE_ROUTINE_SUCCESSES),
        _ => Some(SINGLE_SUCCESSES),
    }
}

#[cfg(test)]
mod tests;
