//! Attempts to refresh that meet each other, or the end of their session.

use futures_util::future::{BoxFuture, join, join_all};

use super::StoreFixture;
use super::scene::{Scene, client, hash, later, now, roles};
use crate::model::{
    CredentialState, EndReason, JudgedRefresh, NewSession, RefreshAttempt, RefreshDenial, RefreshStyle,
    RefreshVerdict, SuccessorNonce, User, UserStatus,
};
use crate::policy::SessionPolicy;

const ROUNDS: u64 = 20;
const SESSION_OVER: RefreshVerdict = RefreshVerdict::Deny(RefreshDenial::SessionOver);

/// Judges all of them at once; each judgement must be the domain's own.
async fn refresh_at_once(scene: &Scene<'_>, attempts: &[RefreshAttempt]) -> Vec<JudgedRefresh> {
    join_all(attempts.iter().map(|attempt| scene.refresh(attempt))).await
}

fn count(judged: &[JudgedRefresh], verdict: &RefreshVerdict) -> usize {
    judged.iter().filter(|judged| judged.verdict == *verdict).count()
}

pub(super) async fn of_24_attempts_with_one_credential_exactly_one_rotates(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let mut current = opened.credential;
    for round in 1..=ROUNDS {
        let at = later(round);
        let attempts: Vec<_> = (0..24).map(|_| scene.attempt(current, at)).collect();
        let judged = refresh_at_once(&scene, &attempts).await;
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
            let known = scene.sessions().refresh(&scene.attempt(lost.successor, at)).await.expect("no fault");
            assert_eq!(known, None, "there is one successor");
        }
        current = won[0].successor;
    }
    assert_eq!(scene.session(opened.session.id).await.end, None, "the session is live");
}

pub(super) async fn one_reusable_credential_extends_for_all_at_once(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let reusable = || RefreshAttempt {
        client: client(RefreshStyle::Reusable),
        ..scene.attempt(opened.credential, later(1))
    };
    let attempts: Vec<_> = (0..24).map(|_| reusable()).collect();
    let judged = refresh_at_once(&scene, &attempts).await;
    assert_eq!(count(&judged, &RefreshVerdict::Extend), 24);
    assert_eq!(scene.session(opened.session.id).await.last_refreshed_at, later(1));
}

pub(super) async fn sessions_of_one_user_refresh_at_once(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let mut attempts = Vec::new();
    for _ in 0..20 {
        attempts.push(scene.attempt(scene.open(&user, now()).await.credential, later(1)));
    }
    let judged = refresh_at_once(&scene, &attempts).await;
    assert_eq!(count(&judged, &RefreshVerdict::Rotate), 20);
}

pub(super) async fn of_many_replays_at_once_one_ends_the_session(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    for _ in 0..5 {
        let opened = scene.open(&user, now()).await;
        scene.rotate(opened.credential, later(1)).await;
        let attempts: Vec<_> = (0..12).map(|_| scene.attempt(opened.credential, later(60))).collect();
        let judged = refresh_at_once(&scene, &attempts).await;
        assert_eq!(count(&judged, &RefreshVerdict::Replay), 1, "exactly one ends the session");
        assert_eq!(count(&judged, &SESSION_OVER), 11, "the others find it over");
    }
}

pub(super) async fn a_replay_ends_a_session_that_is_refreshed_at_the_same_time(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    for round in 0..ROUNDS {
        let opened = scene.open(&user, now()).await;
        let first = scene.rotate(opened.credential, later(1)).await;
        let mut attempts =
            vec![scene.attempt(opened.credential, later(60)), scene.attempt(first.successor, later(60))];
        if round % 2 == 1 {
            attempts.reverse();
        }
        let judged = refresh_at_once(&scene, &attempts).await;
        assert_eq!(count(&judged, &RefreshVerdict::Replay), 1, "whichever comes first");
        let end = scene.session(opened.session.id).await.end.map(|end| end.reason);
        assert_eq!(end, Some(EndReason::Replayed));
        for attempt in attempts {
            let known = scene.sessions().refresh(&scene.attempt(attempt.successor, later(61))).await;
            let verdict = known.expect("no fault").map(|judged| judged.verdict);
            assert!(verdict.is_none_or(|verdict| verdict == SESSION_OVER), "no successor serves");
        }
    }
}

/// Refreshes sessions while `ending` ends them: each ends for this reason, whichever came first.
async fn assert_ends<'a, F>(scene: &'a Scene<'a>, reason: EndReason, ending: F)
where
    F: Fn(&'a Scene<'a>, User, NewSession) -> BoxFuture<'a, ()>,
{
    for round in 0..ROUNDS {
        let user = scene.register_named(&format!("user {round}")).await;
        let opened = scene.open(&user, now()).await;
        let attempt = scene.attempt(opened.credential, later(1));
        let ends = ending(scene, user, opened.clone());
        let judged = if round % 2 == 0 {
            join(scene.refresh(&attempt), ends).await.0
        } else {
            join(ends, scene.refresh(&attempt)).await.1
        };
        assert!([RefreshVerdict::Rotate, SESSION_OVER].contains(&judged.verdict), "{:?}", judged.verdict);
        assert_eq!(scene.session(opened.session.id).await.end.map(|end| end.reason), Some(reason));
        for credential in [opened.credential, attempt.successor] {
            let known =
                scene.sessions().refresh(&scene.attempt(credential, later(2))).await.expect("no fault");
            assert!(known.is_none_or(|judged| judged.verdict == SESSION_OVER), "the session is over");
        }
    }
}

pub(super) async fn a_session_that_is_ended_while_it_is_refreshed_is_over(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    assert_ends(&scene, EndReason::LoggedOut, |scene, _, opened| {
        Box::pin(async move {
            let ended = scene.sessions().end(opened.session.id, EndReason::LoggedOut, later(1)).await;
            assert!(ended.expect("no fault").is_some(), "refreshing does not end a session");
        })
    })
    .await;
}

pub(super) async fn a_session_that_is_ended_by_its_credential_while_it_is_refreshed_is_over(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    assert_ends(&scene, EndReason::LoggedOut, |scene, _, opened| {
        Box::pin(async move {
            let NewSession { session, credential, .. } = opened;
            let sessions = scene.sessions();
            let ended = sessions
                .end_by_credential(&credential, &session.client_id, EndReason::LoggedOut, later(1))
                .await;
            assert_eq!(
                ended.expect("no fault").map(|ended| ended.id),
                Some(session.id),
                "a consumed credential ends it too"
            );
        })
    })
    .await;
}

pub(super) async fn a_session_whose_user_is_suspended_while_it_is_refreshed_is_over(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    assert_ends(&scene, EndReason::Suspended, |scene, user, _| {
        Box::pin(async move {
            scene.users().set_status(user.id, UserStatus::Suspended, later(1)).await.expect("no fault");
        })
    })
    .await;
}

pub(super) async fn a_session_whose_password_is_changed_while_it_is_refreshed_is_over(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    assert_ends(&scene, EndReason::PasswordChanged, |scene, user, opened| {
        Box::pin(async move {
            let users = scene.users();
            let changed =
                users.change_password(user.id, opened.password_version, &hash("second"), later(1)).await;
            assert!(changed.expect("no fault"), "refreshing does not change a password");
        })
    })
    .await;
}

pub(super) async fn a_session_whose_user_is_deleted_while_it_is_refreshed_is_gone(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for round in 0..ROUNDS {
        let user = scene.register_named(&format!("user {round}")).await;
        let opened = scene.open(&user, now()).await;
        let attempt = scene.attempt(opened.credential, later(1));
        let (judged, deleted) = join(scene.sessions().refresh(&attempt), scene.users().delete(user.id)).await;
        assert!(deleted.expect("no fault"));
        let verdict = judged.expect("no fault").map(|judged| judged.verdict);
        assert!(verdict.is_none_or(|verdict| verdict == RefreshVerdict::Rotate));
        assert_eq!(scene.find_session(opened.session.id).await, None);
        for credential in [opened.credential, attempt.successor] {
            let attempt = scene.attempt(credential, later(2));
            assert_eq!(scene.sessions().refresh(&attempt).await.expect("no fault"), None);
        }
    }
}

pub(super) async fn whatever_happens_to_one_user_at_once_meets_no_fault(store: &dyn StoreFixture) {
    let scene = &Scene::new(store);
    let policy = &SessionPolicy { max_live: 4, ..SessionPolicy::default() };
    for round in 0..ROUNDS {
        let user = scene.register_named(&format!("user {round}")).await;
        let version = scene.password_version(user.id).await;
        let mut held = Vec::new();
        for second in 0..4 {
            held.push(scene.open(&user, later(second)).await);
        }
        let mut calls: Vec<BoxFuture<'_, ()>> = Vec::new();
        for new in &held {
            calls.push(Box::pin(async move {
                let attempt = scene.attempt(new.credential, later(10));
                scene.sessions().refresh(&attempt).await.expect("no fault");
            }));
            let opening = scene.new_session(&user, version, later(10));
            calls.push(Box::pin(async move {
                scene.try_open(&opening, policy).await;
            }));
        }
        let (users, sessions, user) = (scene.users(), scene.sessions(), user.id);
        calls.push(Box::pin(async move {
            users.change_password(user, version, &hash("second"), later(10)).await.expect("no fault");
        }));
        calls.push(Box::pin(async move {
            users.set_status(user, UserStatus::Suspended, later(10)).await.expect("no fault");
        }));
        calls.push(Box::pin(async move {
            users.set_roles(user, &roles("editor"), later(10)).await.expect("no fault");
        }));
        let ended = held[0].session.id;
        calls.push(Box::pin(async move {
            sessions.end(ended, EndReason::LoggedOut, later(10)).await.expect("no fault");
        }));
        calls.push(Box::pin(async move {
            sessions.purge(later(10), policy, 10).await.expect("no fault");
        }));
        let turn = usize::try_from(round).expect("a small number") % calls.len();
        calls.rotate_left(turn);
        join_all(calls).await;
    }
}

pub(super) async fn a_retry_after_the_race_is_answered_as_in_the_race(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let attempts: Vec<_> = (0..8).map(|_| scene.attempt(opened.credential, later(1))).collect();
    let judged = refresh_at_once(&scene, &attempts).await;
    let in_the_race: Vec<SuccessorNonce> = judged
        .into_iter()
        .filter_map(|judged| match judged.verdict {
            RefreshVerdict::Retry { nonce, .. } => Some(nonce),
            _ => None,
        })
        .collect();
    let after = scene.refresh(&scene.attempt(opened.credential, later(2))).await;
    let CredentialState::Consumed { successor: Some(nonce), .. } = after.record.credential else {
        panic!("the credential is consumed: {:?}", after.record.credential);
    };
    assert!(in_the_race.iter().all(|known| *known == nonce), "one nonce");
}
