//! Attempts to refresh that meet each other, or the end of their session.

use futures_util::future::{BoxFuture, join, join_all};

use super::StoreUnderTest;
use super::fixture::{Fixture, client, hash, later, now, roles};
use crate::model::{
    CredentialState, EndReason, JudgedRefresh, NewSession, RefreshAttempt, RefreshDenial, RefreshStyle,
    RefreshVerdict, SuccessorNonce, User, UserStatus,
};
use crate::policy::SessionPolicy;

const ROUNDS: u64 = 20;
const SESSION_OVER: RefreshVerdict = RefreshVerdict::Deny(RefreshDenial::SessionOver);

/// Judges all of them at once; each judgement must be the domain's own.
async fn refresh_at_once(fixture: &Fixture<'_>, attempts: &[RefreshAttempt]) -> Vec<JudgedRefresh> {
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
    for round in 1..=ROUNDS {
        let at = later(round);
        let attempts: Vec<_> = (0..24).map(|_| fixture.attempt(current, at)).collect();
        let judged = refresh_at_once(&fixture, &attempts).await;
        let won: Vec<_> = attempts
            .iter()
            .zip(&judged)
            .filter(|(_, judged)| judged.verdict == RefreshVerdict::Rotate)
            .map(|(attempt, _)| attempt)
            .collect();
        assert_eq!(won.len(), 1, "exactly one rotates in round {round}");
        let retry = RefreshVerdict::Retry { nonce: won[0].nonce.clone(), consumed_at: at };
        assert_eq!(count(&judged, &retry), 23, "the others are answered with the same successor");
        for lost in attempts.iter().filter(|attempt| attempt.successor != won[0].successor) {
            let known =
                fixture.sessions().refresh(&fixture.attempt(lost.successor, at)).await.expect("no error");
            assert_eq!(known, None, "there is one successor");
        }
        current = won[0].successor;
    }
    assert_eq!(fixture.session(opened.session.id).await.end, None, "the session is live");
}

pub(super) async fn concurrent_use_of_a_reusable_credential_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let reusable = || RefreshAttempt {
        client: client(RefreshStyle::Reusable),
        ..fixture.attempt(opened.credential, later(1))
    };
    let attempts: Vec<_> = (0..24).map(|_| reusable()).collect();
    let judged = refresh_at_once(&fixture, &attempts).await;
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
    let judged = refresh_at_once(&fixture, &attempts).await;
    assert_eq!(count(&judged, &RefreshVerdict::Rotate), 20);
}

pub(super) async fn one_of_12_replays_ends_the_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in 0..5 {
        let opened = fixture.open(&user, now()).await;
        fixture.rotate(opened.credential, later(1)).await;
        let attempts: Vec<_> = (0..12).map(|_| fixture.attempt(opened.credential, later(60))).collect();
        let judged = refresh_at_once(&fixture, &attempts).await;
        assert_eq!(count(&judged, &RefreshVerdict::Replay), 1, "exactly one ends the session");
        assert_eq!(count(&judged, &SESSION_OVER), 11, "the others find it over");
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
        let judged = refresh_at_once(&fixture, &attempts).await;
        assert_eq!(count(&judged, &RefreshVerdict::Replay), 1, "whichever comes first");
        let end = fixture.session(opened.session.id).await.end.map(|end| end.reason);
        assert_eq!(end, Some(EndReason::Replayed));
        for attempt in attempts {
            let known = fixture.sessions().refresh(&fixture.attempt(attempt.successor, later(61))).await;
            let verdict = known.expect("no error").map(|judged| judged.verdict);
            assert!(verdict.is_none_or(|verdict| verdict == SESSION_OVER), "no successor serves");
        }
    }
}

/// Refreshes sessions while `ending` ends them: each ends for this reason, whichever came first.
async fn assert_ends<'a, F>(fixture: &'a Fixture<'a>, reason: EndReason, ending: F)
where
    F: Fn(&'a Fixture<'a>, User, NewSession) -> BoxFuture<'a, ()>,
{
    for round in 0..ROUNDS {
        let user = fixture.register_named(&format!("user {round}")).await;
        let opened = fixture.open(&user, now()).await;
        let attempt = fixture.attempt(opened.credential, later(1));
        let ends = ending(fixture, user, opened.clone());
        let judged = if round % 2 == 0 {
            join(fixture.refresh(&attempt), ends).await.0
        } else {
            join(ends, fixture.refresh(&attempt)).await.1
        };
        assert!([RefreshVerdict::Rotate, SESSION_OVER].contains(&judged.verdict), "{:?}", judged.verdict);
        assert_eq!(fixture.session(opened.session.id).await.end.map(|end| end.reason), Some(reason));
        for credential in [opened.credential, attempt.successor] {
            let known =
                fixture.sessions().refresh(&fixture.attempt(credential, later(2))).await.expect("no error");
            assert!(known.is_none_or(|judged| judged.verdict == SESSION_OVER), "the session is over");
        }
    }
}

pub(super) async fn session_ended_during_a_refresh_is_over(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    assert_ends(&fixture, EndReason::LoggedOut, |fixture, _, opened| {
        Box::pin(async move {
            let ended = fixture.sessions().end(opened.session.id, EndReason::LoggedOut, later(1)).await;
            assert!(ended.expect("no error").is_some(), "refreshing does not end a session");
        })
    })
    .await;
}

pub(super) async fn session_ended_by_credential_during_a_refresh_is_over(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    assert_ends(&fixture, EndReason::LoggedOut, |fixture, _, opened| {
        Box::pin(async move {
            let NewSession { session, credential, .. } = opened;
            let sessions = fixture.sessions();
            let ended = sessions
                .end_by_credential(&credential, &session.client_id, EndReason::LoggedOut, later(1))
                .await;
            assert_eq!(
                ended.expect("no error").map(|ended| ended.id),
                Some(session.id),
                "a consumed credential ends it too"
            );
        })
    })
    .await;
}

pub(super) async fn suspension_during_a_refresh_ends_the_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    assert_ends(&fixture, EndReason::Suspended, |fixture, user, _| {
        Box::pin(async move {
            fixture.users().set_status(user.id, UserStatus::Suspended, later(1)).await.expect("no error");
        })
    })
    .await;
}

pub(super) async fn password_change_during_a_refresh_ends_the_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    assert_ends(&fixture, EndReason::PasswordChanged, |fixture, user, opened| {
        Box::pin(async move {
            let users = fixture.users();
            let changed =
                users.change_password(user.id, opened.password_version, &hash("second"), later(1)).await;
            assert!(changed.expect("no error"), "refreshing does not change a password");
        })
    })
    .await;
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
            let attempt = fixture.attempt(credential, later(2));
            assert_eq!(fixture.sessions().refresh(&attempt).await.expect("no error"), None);
        }
    }
}

pub(super) async fn concurrent_calls_for_one_user_cause_no_error(store: &dyn StoreUnderTest) {
    let fixture = &Fixture::new(store);
    let policy = &SessionPolicy { max_live: 4, ..SessionPolicy::default() };
    for round in 0..ROUNDS {
        let user = fixture.register_named(&format!("user {round}")).await;
        let version = fixture.password_version(user.id).await;
        let mut held = Vec::new();
        for second in 0..4 {
            held.push(fixture.open(&user, later(second)).await);
        }
        let mut calls: Vec<BoxFuture<'_, ()>> = Vec::new();
        for new in &held {
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
        let ended = held[0].session.id;
        calls.push(Box::pin(async move {
            sessions.end(ended, EndReason::LoggedOut, later(10)).await.expect("no error");
        }));
        calls.push(Box::pin(async move {
            sessions.purge(later(10), policy, 10).await.expect("no error");
        }));
        let turn = usize::try_from(round).expect("a small number") % calls.len();
        calls.rotate_left(turn);
        join_all(calls).await;
    }
}

pub(super) async fn later_retry_gets_the_successor_of_the_race(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let attempts: Vec<_> = (0..8).map(|_| fixture.attempt(opened.credential, later(1))).collect();
    let judged = refresh_at_once(&fixture, &attempts).await;
    let in_the_race: Vec<SuccessorNonce> = judged
        .into_iter()
        .filter_map(|judged| match judged.verdict {
            RefreshVerdict::Retry { nonce, .. } => Some(nonce),
            _ => None,
        })
        .collect();
    let after = fixture.refresh(&fixture.attempt(opened.credential, later(2))).await;
    let CredentialState::Consumed { successor: Some(nonce), .. } = after.record.credential else {
        panic!("the credential is consumed: {:?}", after.record.credential);
    };
    assert!(in_the_race.iter().all(|known| *known == nonce), "one nonce");
}
