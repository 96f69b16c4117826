//! Concurrent refreshes of one session, with each other and with calls that end the session.

use futures_util::future::{BoxFuture, join, join_all};

use super::StoreUnderTest;
use super::fixture::{Fixture, ROUNDS, client, hash, later, now, roles};
use super::user_change::SessionEndingChange;
use crate::model::{
    CredentialState, EndReason, JudgedRefresh, NewSession, RefreshAttempt, RefreshDenial, RefreshStyle,
    RefreshVerdict, SuccessorNonce, UserStatus,
};
use crate::policy::SessionPolicy;

const SESSION_OVER: RefreshVerdict = RefreshVerdict::Deny(RefreshDenial::SessionOver);

/// Makes all attempts concurrently.
async fn refresh_concurrently(fixture: &Fixture<'_>, attempts: &[RefreshAttempt]) -> Vec<JudgedRefresh> {
    join_all(attempts.iter().map(|attempt| fixture.refresh(attempt))).await
}

fn count(judged: &[JudgedRefresh], verdict: &RefreshVerdict) -> usize {
    judged.iter().filter(|judged| judged.verdict == *verdict).count()
}

pub(super) async fn one_of_24_attempts_with_one_credential_rotates(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let mut current = opened.credential;
    for second in 1..=20 {
        let at = later(second);
        let attempts: Vec<_> = (0..24).map(|_| fixture.attempt(current, at)).collect();
        let judged = refresh_concurrently(&fixture, &attempts).await;
        let won: Vec<_> = attempts
            .iter()
            .zip(&judged)
            .filter(|(_, judged)| judged.verdict == RefreshVerdict::Rotate)
            .map(|(attempt, _)| attempt)
            .collect();
        assert_eq!(won.len(), 1, "exactly one attempt rotates in round {second}");
        let retry = RefreshVerdict::Retry { nonce: won[0].nonce.clone(), consumed_at: at };
        assert_eq!(count(&judged, &retry), 23, "the others get the same successor");
        for lost in attempts.iter().filter(|attempt| attempt.successor != won[0].successor) {
            let known = fixture.present(lost.successor, at).await;
            assert_eq!(known, None, "only one successor is stored");
        }
        current = won[0].successor;
    }
    assert_eq!(fixture.session(opened.session.id).await.end, None, "the session is live");
}

pub(super) async fn concurrent_use_of_a_reusable_credential_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let mut attempts: Vec<_> = (0..24).map(|_| fixture.attempt(opened.credential, later(1))).collect();
    for attempt in &mut attempts {
        attempt.client = client(RefreshStyle::Reusable);
    }
    let judged = refresh_concurrently(&fixture, &attempts).await;
    assert_eq!(count(&judged, &RefreshVerdict::Extend), 24);
    assert_eq!(fixture.session(opened.session.id).await.last_refreshed_at, later(1));
}

pub(super) async fn sessions_of_one_user_refresh_concurrently(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let mut attempts = Vec::new();
    for _ in 0..20 {
        attempts.push(fixture.attempt(fixture.open(&user, now()).await.credential, later(1)));
    }
    let judged = refresh_concurrently(&fixture, &attempts).await;
    assert_eq!(count(&judged, &RefreshVerdict::Rotate), 20);
}

pub(super) async fn one_of_12_replays_ends_the_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in 0..5 {
        let opened = fixture.open(&user, now()).await;
        fixture.rotate(opened.credential, later(1)).await;
        let attempts: Vec<_> = (0..12).map(|_| fixture.attempt(opened.credential, later(60))).collect();
        let judged = refresh_concurrently(&fixture, &attempts).await;
        assert_eq!(count(&judged, &RefreshVerdict::Replay), 1, "exactly one replay ends the session");
        assert_eq!(count(&judged, &SESSION_OVER), 11, "the others find the session over");
    }
}

pub(super) async fn replay_ends_a_session_during_a_refresh(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for round in 0..ROUNDS {
        let opened = fixture.open(&user, now()).await;
        let first = fixture.rotate(opened.credential, later(1)).await;
        let mut attempts =
            vec![fixture.attempt(opened.credential, later(60)), fixture.attempt(first.successor, later(60))];
        if round % 2 == 1 {
            attempts.reverse();
        }
        let judged = refresh_concurrently(&fixture, &attempts).await;
        assert_eq!(
            count(&judged, &RefreshVerdict::Replay),
            1,
            "the replay is detected, whichever call comes first"
        );
        let end = fixture.session(opened.session.id).await.end.map(|end| end.reason);
        assert_eq!(end, Some(EndReason::Replayed));
        for attempt in attempts {
            let verdict = fixture.present(attempt.successor, later(61)).await.map(|judged| judged.verdict);
            assert!(verdict.is_none_or(|verdict| verdict == SESSION_OVER), "no successor can be used");
        }
    }
}

/// A call that ends a session.
#[derive(Clone, Copy)]
enum Ending {
    LogOut,
    LogOutByCredential,
    UserChange(SessionEndingChange),
}

impl Ending {
    async fn apply(self, fixture: &Fixture<'_>, opened: &NewSession) {
        let session = &opened.session;
        match self {
            Self::LogOut => {
                assert!(fixture.log_out(session.id, later(1)).await, "a refresh does not end a session");
            }
            Self::LogOutByCredential => {
                let (reason, at) = (EndReason::LoggedOut, later(1));
                let sessions = fixture.sessions();
                let ended =
                    sessions.end_by_credential(&opened.credential, &session.client_id, reason, at).await;
                let ended = ended.expect("no error").map(|ended| ended.id);
                assert_eq!(ended, Some(session.id), "a consumed credential ends its session too");
            }
            Self::UserChange(change) => {
                change.apply(fixture, session.user_id, opened.password_version, later(1)).await;
            }
        }
    }

    fn reason(self) -> Option<EndReason> {
        match self {
            Self::LogOut | Self::LogOutByCredential => Some(EndReason::LoggedOut),
            Self::UserChange(change) => change.reason(),
        }
    }
}

/// Refreshes a session while `ending` ends it. The session is over afterwards, whichever call came first.
async fn race(store: &dyn StoreUnderTest, ending: Ending) {
    let fixture = Fixture::new(store);
    for round in 0..ROUNDS {
        let user = fixture.register_named(&format!("user {round}")).await;
        let opened = fixture.open(&user, now()).await;
        let attempt = fixture.attempt(opened.credential, later(1));
        let judged = if round % 2 == 0 {
            join(fixture.refresh(&attempt), ending.apply(&fixture, &opened)).await.0
        } else {
            join(ending.apply(&fixture, &opened), fixture.refresh(&attempt)).await.1
        };
        assert!([RefreshVerdict::Rotate, SESSION_OVER].contains(&judged.verdict), "{:?}", judged.verdict);
        assert_eq!(fixture.session(opened.session.id).await.end.map(|end| end.reason), ending.reason());
        for credential in [opened.credential, attempt.successor] {
            let known = fixture.present(credential, later(2)).await;
            assert!(known.is_none_or(|judged| judged.verdict == SESSION_OVER), "the session is over");
        }
    }
}

pub(super) async fn session_ended_during_a_refresh_is_over(store: &dyn StoreUnderTest) {
    race(store, Ending::LogOut).await;
}

pub(super) async fn session_ended_by_credential_during_a_refresh_is_over(store: &dyn StoreUnderTest) {
    race(store, Ending::LogOutByCredential).await;
}

pub(super) async fn suspension_during_a_refresh_ends_the_session(store: &dyn StoreUnderTest) {
    race(store, Ending::UserChange(SessionEndingChange::Suspension)).await;
}

pub(super) async fn password_change_during_a_refresh_ends_the_session(store: &dyn StoreUnderTest) {
    race(store, Ending::UserChange(SessionEndingChange::Password)).await;
}

pub(super) async fn user_deletion_during_a_refresh_deletes_the_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in 0..ROUNDS {
        let user = fixture.register_named(&format!("user {round}")).await;
        let opened = fixture.open(&user, now()).await;
        let attempt = fixture.attempt(opened.credential, later(1));
        let (judged, deleted) =
            join(fixture.sessions().refresh(&attempt), fixture.users().delete(user.id)).await;
        assert!(deleted.expect("no error"));
        let verdict = judged.expect("no error").map(|judged| judged.verdict);
        assert!(verdict.is_none_or(|verdict| verdict == RefreshVerdict::Rotate));
        assert_eq!(fixture.find_session(opened.session.id).await, None);
        for credential in [opened.credential, attempt.successor] {
            assert_eq!(fixture.present(credential, later(2)).await, None);
        }
    }
}

pub(super) async fn concurrent_calls_for_one_user_cause_no_error(store: &dyn StoreUnderTest) {
    let fixture = &Fixture::new(store);
    let policy = &SessionPolicy { max_live: 4, ..SessionPolicy::default() };
    for round in 0..ROUNDS {
        let user = fixture.register_named(&format!("user {round}")).await;
        let version = fixture.password_version(user.id).await;
        let mut opened = Vec::new();
        for second in 0..4 {
            opened.push(fixture.open(&user, later(second)).await);
        }
        let mut calls: Vec<BoxFuture<'_, ()>> = Vec::new();
        for new in &opened {
            calls.push(Box::pin(async move {
                let attempt = fixture.attempt(new.credential, later(10));
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
        let first = round % calls.len();
        calls.rotate_left(first);
        join_all(calls).await;
    }
}

pub(super) async fn later_retry_gets_the_successor_of_the_race(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let attempts: Vec<_> = (0..8).map(|_| fixture.attempt(opened.credential, later(1))).collect();
    let judged = refresh_concurrently(&fixture, &attempts).await;
    let in_the_race: Vec<SuccessorNonce> = judged
        .into_iter()
        .filter_map(|judged| match judged.verdict {
            RefreshVerdict::Retry { nonce, .. } => Some(nonce),
            _ => None,
        })
        .collect();
    let after = fixture.refresh(&fixture.attempt(opened.credential, later(2))).await;
    let CredentialState::Consumed { successor: Some(nonce), .. } = after.record.credential else {
        panic!("the credential must be consumed: {:?}", after.record.credential);
    };
    assert!(in_the_race.iter().all(|known| *known == nonce), "all retries get one nonce");
}
