//! Concurrent refreshes of one session, with each other and with calls that end the session.

use std::slice;

use super::concurrency::{both, concurrently, rounds};
use super::fixture::{Fixture, at_most, client, hash, later, now, retry_of, roles};
use super::user_change::SessionEndingChange;
use super::{CaseFuture, StoreUnderTest};
use crate::model::{
    EndReason, JudgedRefresh, NewSession, RefreshAttempt, RefreshDenial, RefreshStyle, RefreshVerdict,
    Session, UserStatus,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

const SESSION_OVER: RefreshVerdict = RefreshVerdict::Deny(RefreshDenial::SessionOver);

/// Makes all attempts concurrently.
fn refresh_concurrently(fixture: &Fixture<'_>, attempts: &[RefreshAttempt]) -> Vec<JudgedRefresh> {
    concurrently(attempts.iter().map(|attempt| fixture.refresh(attempt)))
}

fn is_rotation(verdict: &RefreshVerdict) -> bool {
    matches!(verdict, RefreshVerdict::Rotate(_))
}

fn count(judged: &[JudgedRefresh], verdict: &RefreshVerdict) -> usize {
    judged.iter().filter(|judged| judged.verdict == *verdict).count()
}

pub(super) async fn one_of_24_attempts_with_one_credential_rotates(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let mut current = opened.token();
    let mut presented = Vec::new();
    let mut winners = Vec::new();
    for second in 1..=20 {
        let at = later(second);
        let attempts: Vec<_> = (0..24).map(|_| fixture.attempt(current, at)).collect();
        let judged = refresh_concurrently(&fixture, &attempts);
        let won: Vec<_> = attempts
            .iter()
            .zip(&judged)
            .filter(|(_, judged)| is_rotation(&judged.verdict))
            .map(|(attempt, _)| attempt)
            .collect();
        assert_eq!(won.len(), 1, "exactly one attempt rotates in round {second}");
        assert_eq!(
            count(&judged, &retry_of(slice::from_ref(won[0]))),
            23,
            "the others get the same successor"
        );
        presented.push(current);
        winners.push(won[0].clone());
        current = won[0].successor_token();
    }
    for (index, token) in presented.into_iter().enumerate().skip(11) {
        let retry = fixture.refresh(&fixture.attempt(token, later(20))).await;
        assert_eq!(retry.verdict, retry_of(&winners[index..]), "every rotation of the window is kept");
    }
    assert_eq!(fixture.session(opened.session.id).await.end, None, "the session is live");
}

pub(super) async fn concurrent_use_of_a_reusable_credential_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in rounds() {
        let opened = fixture.open(&user, now()).await;
        let mut attempts: Vec<_> = (0..24).map(|_| fixture.attempt(opened.token(), later(1))).collect();
        for attempt in &mut attempts {
            attempt.client = client(RefreshStyle::Reusable);
        }
        let judged = refresh_concurrently(&fixture, &attempts);
        assert_eq!(count(&judged, &RefreshVerdict::Extend), 24);
        assert_eq!(fixture.session(opened.session.id).await.last_refreshed_at, later(1));
    }
}

pub(super) async fn sessions_of_one_user_refresh_concurrently(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(fixture.open(&user, now()).await.token());
    }
    for (_, minute) in rounds().zip(0..) {
        let attempts: Vec<_> =
            tokens.iter().map(|token| fixture.attempt(*token, later(60 * minute))).collect();
        let judged = refresh_concurrently(&fixture, &attempts);
        assert_eq!(judged.iter().filter(|judged| is_rotation(&judged.verdict)).count(), 20);
        tokens = attempts.iter().map(RefreshAttempt::successor_token).collect();
    }
}

pub(super) async fn one_of_12_replays_ends_the_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in rounds() {
        let opened = fixture.open(&user, now()).await;
        fixture.rotate(opened.token(), later(1)).await;
        let attempts: Vec<_> = (0..12).map(|_| fixture.attempt(opened.token(), later(60))).collect();
        let judged = refresh_concurrently(&fixture, &attempts);
        assert_eq!(count(&judged, &RefreshVerdict::Replay), 1, "exactly one replay ends the session");
        assert_eq!(count(&judged, &SESSION_OVER), 11, "the others find the session over");
    }
}

pub(super) async fn replay_ends_a_session_during_a_refresh(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in rounds() {
        let opened = fixture.open(&user, now()).await;
        let first = fixture.rotate(opened.token(), later(1)).await;
        let attempts =
            [opened.token(), first.successor_token()].map(|token| fixture.attempt(token, later(60)));
        let judged = refresh_concurrently(&fixture, &attempts);
        assert_eq!(
            count(&judged, &RefreshVerdict::Replay),
            1,
            "the replay is detected, whichever call comes first"
        );
        let end = fixture.session(opened.session.id).await.end.map(|end| end.reason);
        assert_eq!(end, Some(EndReason::Replayed));
        for attempt in attempts {
            let verdict =
                fixture.present(attempt.successor_token(), later(61)).await.map(|judged| judged.verdict);
            assert!(verdict.is_none_or(|verdict| verdict == SESSION_OVER), "no successor can be used");
        }
    }
}

/// A call that ends a session.
#[derive(Clone, Copy)]
enum Ending {
    LogOut,
    LogOutByFamily,
    NewSession,
    UserChange(SessionEndingChange),
}

impl Ending {
    /// Ends the session, and returns it as the call did.
    async fn apply(self, fixture: &Fixture<'_>, opened: &NewSession) -> Option<Session> {
        let session = &opened.session;
        match self {
            Self::LogOut => {
                let ended = fixture.sessions().end(session.id, EndReason::LoggedOut, later(1)).await;
                Some(ended.expect("no error").expect("a refresh does not end a session"))
            }
            Self::LogOutByFamily => {
                let (reason, at) = (EndReason::LoggedOut, later(1));
                let sessions = fixture.sessions();
                let ended = sessions.end_by_family(&opened.family, &session.client_id, reason, at).await;
                Some(ended.expect("no error").expect("the family outlives a rotation"))
            }
            Self::NewSession => {
                let user = fixture.user(session.user_id).await;
                let new = fixture.new_session(&user, opened.password_version, later(1));
                assert_eq!(fixture.try_open(&new, &at_most(1)).await, OpenOutcome::Opened);
                None
            }
            Self::UserChange(change) => {
                change.apply(fixture, session.user_id, opened.password_version, later(1)).await;
                None
            }
        }
    }

    fn reason(self) -> Option<EndReason> {
        match self {
            Self::LogOut | Self::LogOutByFamily => Some(EndReason::LoggedOut),
            Self::NewSession => Some(EndReason::Superseded),
            Self::UserChange(change) => change.reason(),
        }
    }
}

/// Refreshes a session while `ending` ends it. The session is over afterwards, whichever call came first.
async fn race(store: &dyn StoreUnderTest, ending: Ending) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let user = fixture.register_named(&format!("user {round}")).await;
        let opened = fixture.open(&user, now()).await;
        let mut attempt = fixture.attempt(opened.token(), later(1));
        if round % 4 > 1 {
            attempt.client = client(RefreshStyle::Reusable);
        }
        let (judged, ended) = both(fixture.refresh(&attempt), ending.apply(&fixture, &opened));
        let verdict = &judged.verdict;
        let refreshed = is_rotation(verdict) || *verdict == RefreshVerdict::Extend;
        assert!(refreshed || *verdict == SESSION_OVER, "{verdict:?}");
        let stored = fixture.session(opened.session.id).await;
        assert_eq!(stored.end.map(|end| end.reason), ending.reason());
        assert_eq!(stored.last_refreshed_at, if refreshed { later(1) } else { now() }, "{verdict:?}");
        assert!(ended.is_none_or(|ended| ended == stored), "an ended session does not change");
        for token in [opened.token(), attempt.successor_token()] {
            let known = fixture.present(token, later(2)).await;
            assert!(known.is_none_or(|judged| judged.verdict == SESSION_OVER), "the session is over");
        }
    }
}

pub(super) async fn session_ended_during_a_refresh_is_over(store: &dyn StoreUnderTest) {
    race(store, Ending::LogOut).await;
}

pub(super) async fn session_ended_by_family_during_a_refresh_is_over(store: &dyn StoreUnderTest) {
    race(store, Ending::LogOutByFamily).await;
}

pub(super) async fn suspension_during_a_refresh_ends_the_session(store: &dyn StoreUnderTest) {
    race(store, Ending::UserChange(SessionEndingChange::Suspension)).await;
}

pub(super) async fn password_change_during_a_refresh_ends_the_session(store: &dyn StoreUnderTest) {
    race(store, Ending::UserChange(SessionEndingChange::Password)).await;
}

pub(super) async fn password_update_during_a_refresh_ends_the_session(store: &dyn StoreUnderTest) {
    race(store, Ending::UserChange(SessionEndingChange::PasswordInUpdate)).await;
}

pub(super) async fn role_change_during_a_refresh_ends_the_session(store: &dyn StoreUnderTest) {
    race(store, Ending::UserChange(SessionEndingChange::Roles)).await;
}

pub(super) async fn session_superseded_during_a_refresh_is_over(store: &dyn StoreUnderTest) {
    race(store, Ending::NewSession).await;
}

pub(super) async fn end_during_a_change_of_the_user_is_kept(store: &dyn StoreUnderTest) {
    let fixture = &Fixture::new(store);
    let changes = SessionEndingChange::ALL.into_iter().filter(|change| change.reason().is_some());
    let endings: Vec<_> = changes.map(Ending::UserChange).chain([Ending::NewSession]).collect();
    for round in rounds() {
        // Two rounds of each, because calls are on threads in every second round.
        let ending = endings[round / 2 % endings.len()];
        let user = fixture.register_named(&format!("user {round}")).await;
        let opened = fixture.open(&user, now()).await;
        let id = opened.session.id;
        let logging_out = fixture.sessions().end(id, EndReason::LoggedOut, later(7));
        let (logged_out, _) = both(logging_out, ending.apply(fixture, &opened));
        let stored = fixture.session(id).await;
        match logged_out.expect("no error") {
            Some(ended) => assert_eq!(stored, ended, "the end that was returned is stored"),
            None => assert_eq!(stored.end.map(|end| end.reason), ending.reason(), "the other end came first"),
        }
    }
}

pub(super) async fn user_deletion_during_a_refresh_deletes_the_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let user = fixture.register_named(&format!("user {round}")).await;
        let opened = fixture.open(&user, now()).await;
        let attempt = fixture.attempt(opened.token(), later(1));
        let (judged, deleted) = both(fixture.sessions().refresh(&attempt), fixture.users().delete(user.id));
        assert!(deleted.expect("no error"));
        let verdict = judged.expect("no error").map(|judged| judged.verdict);
        assert!(verdict.is_none_or(|verdict| is_rotation(&verdict)));
        assert_eq!(fixture.find_session(opened.session.id).await, None);
        for token in [opened.token(), attempt.successor_token()] {
            assert_eq!(fixture.present(token, later(2)).await, None);
        }
    }
}

pub(super) async fn concurrent_calls_for_one_user_cause_no_error(store: &dyn StoreUnderTest) {
    let fixture = &Fixture::new(store);
    let policy = &SessionPolicy { max_live: 4, ..SessionPolicy::default() };
    for round in rounds() {
        let user = fixture.register_named(&format!("user {round}")).await;
        let version = fixture.password_version(user.id).await;
        let mut opened = Vec::new();
        for second in 0..4 {
            opened.push(fixture.open(&user, later(second)).await);
        }
        let mut calls: Vec<CaseFuture<'_>> = Vec::new();
        for new in &opened {
            calls.push(Box::pin(async move {
                let attempt = fixture.attempt(new.token(), later(10));
                fixture.sessions().refresh(&attempt).await.expect("no error");
            }));
            let opening = fixture.new_session(&user, version, later(10));
            calls.push(Box::pin(async move {
                fixture.try_open(&opening, policy).await;
            }));
        }
        let (users, sessions, user) = (fixture.users(), fixture.sessions(), user.id);
        calls.push(Box::pin(async move {
            users.change_password(user, version, &hash("second"), later(10)).await.expect("no error");
        }));
        calls.push(Box::pin(async move {
            users.set_status(user, UserStatus::Suspended, later(10)).await.expect("no error");
        }));
        calls.push(Box::pin(async move {
            users.set_roles(user, &roles("editor"), later(10)).await.expect("no error");
        }));
        let ended = opened[0].session.id;
        calls.push(Box::pin(async move {
            sessions.end(ended, EndReason::LoggedOut, later(10)).await.expect("no error");
        }));
        calls.push(Box::pin(async move {
            sessions.purge(later(10), policy, 10).await.expect("no error");
        }));
        concurrently(calls);
    }
}

pub(super) async fn later_retry_gets_the_successor_of_the_race(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in rounds() {
        let opened = fixture.open(&user, now()).await;
        let attempts: Vec<_> = (0..8).map(|_| fixture.attempt(opened.token(), later(1))).collect();
        let judged = refresh_concurrently(&fixture, &attempts);
        let after = fixture.refresh(&fixture.attempt(opened.token(), later(2))).await.verdict;
        assert_eq!(count(&judged, &after), 7, "all retries get one nonce");
    }
}

pub(super) async fn duplicates_during_a_rotation_are_retries(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in rounds() {
        let opened = fixture.open(&user, now()).await;
        let first = fixture.rotate(opened.token(), later(1)).await;
        // The client continues with what it received, while duplicates of its first request are still in flight.
        let duplicates = (0..8).map(|_| fixture.attempt(opened.token(), later(2)));
        let rotation = fixture.attempt(first.successor_token(), later(2));
        let attempts: Vec<_> = duplicates.chain([rotation.clone()]).collect();
        let mut judged = refresh_concurrently(&fixture, &attempts);
        let rotated = judged.pop().expect("nine verdicts").verdict;
        assert!(is_rotation(&rotated), "a retry consumes nothing: {rotated:?}");
        let before = retry_of(slice::from_ref(&first));
        let after = retry_of(&[first, rotation]);
        assert_eq!(count(&judged, &before) + count(&judged, &after), 8, "no duplicate is a replay");
        assert_eq!(fixture.present(opened.token(), later(3)).await.map(|judged| judged.verdict), Some(after));
    }
}

pub(super) async fn concurrent_rotations_respect_the_limit(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in rounds() {
        let opened = fixture.open(&user, now()).await;
        let rotations = fixture.rotate_at(opened.token(), (1..16).map(|_| later(1))).await;
        let last = rotations[14].successor_token();
        let attempts: Vec<_> = (0..8).map(|_| fixture.attempt(last, later(2))).collect();
        let judged = refresh_concurrently(&fixture, &attempts);
        let rotated = attempts.iter().zip(&judged).find(|(_, judged)| is_rotation(&judged.verdict));
        let sixteenth = rotated.expect("one rotation is left").0;
        assert_eq!(count(&judged, &retry_of(slice::from_ref(sixteenth))), 7, "retries do not count");
        let seventeenth = fixture.attempt(sixteenth.successor_token(), later(2));
        let verdict = fixture.refresh(&seventeenth).await.verdict;
        assert!(matches!(verdict, RefreshVerdict::Deny(RefreshDenial::TooManyRotations(_))), "{verdict:?}");
    }
}
