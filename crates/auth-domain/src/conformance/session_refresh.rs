//! Refreshing a session, one attempt after the other.

use std::slice;
use std::time::Duration;

use super::StoreUnderTest;
use super::fixture::{Fixture, PresentedToken, client, later, now, retry_of, roles};
use crate::model::{
    ClientId, CredentialChain, EndReason, RefreshAttempt, RefreshDenial, RefreshStyle, RefreshVerdict,
    Session, SessionEnd,
};
use crate::policy::SessionPolicy;

const MICRO: Duration = Duration::from_micros(1);

/// Refreshes by a client of this style and returns the verdict.
async fn refresh_as(
    fixture: &Fixture<'_>,
    token: PresentedToken,
    style: RefreshStyle,
    second: u64,
) -> RefreshVerdict {
    let attempt = RefreshAttempt { client: client(style), ..fixture.attempt(token, later(second)) };
    fixture.refresh(&attempt).await.verdict
}

pub(super) async fn rotation_replaces_the_current_credential(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for style in [RefreshStyle::Rotating, RefreshStyle::RotatingSigned, RefreshStyle::SelfRenewing] {
        let user = fixture.register_full_user(&format!("{style:?}")).await;
        let opened = fixture.open(&user, now()).await;
        let mut token = opened.token();
        let mut chain = CredentialChain::new(opened.credential);
        let mut session = opened.session;
        for second in 1..4 {
            let attempt = RefreshAttempt { client: client(style), ..fixture.attempt(token, later(second)) };
            let judged = fixture.refresh(&attempt).await;
            assert_eq!(judged.record.user, user, "the record contains the user");
            assert_eq!(judged.record.session, session, "the record contains the session before the refresh");
            assert_eq!(judged.record.chain, chain, "the record contains the credentials before the refresh");
            chain.consumed.push(attempt.consumed());
            chain.current = attempt.successor;
            assert_eq!(judged.verdict, RefreshVerdict::Rotate(chain.clone()));
            session = Session { last_refreshed_at: later(second), ..session };
            assert_eq!(fixture.session(session.id).await, session, "the session is marked as refreshed");
            token = attempt.successor_token();
        }
    }
}

pub(super) async fn record_contains_the_current_user(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let opened = fixture.open(&user, now()).await;
    fixture.users().set_roles(user.id, &roles("editor"), later(1)).await.expect("no error");
    let judged = fixture.refresh(&fixture.attempt(opened.token(), later(1))).await;
    assert_eq!(judged.record.user, fixture.user(user.id).await);
}

pub(super) async fn retry_returns_the_same_successor_and_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let first = fixture.rotate(opened.token(), later(1)).await;
    let session = fixture.session(opened.session.id).await;
    for second in [1, 2, 3, 10] {
        let judged = fixture.refresh(&fixture.attempt(opened.token(), later(second))).await;
        assert_eq!(judged.verdict, retry_of(slice::from_ref(&first)));
        let chain = CredentialChain { current: first.successor, consumed: vec![first.consumed()] };
        assert_eq!(judged.record.chain, chain, "the credentials are unchanged");
        assert_eq!(fixture.session(session.id).await, session, "the session is unchanged");
    }
    fixture.rotate(first.successor_token(), later(4)).await;
}

pub(super) async fn retry_window_ends_to_the_microsecond(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let consumed_at = later(1).plus(MICRO);
    let first = fixture.rotate(opened.token(), consumed_at).await;
    let grace_over = consumed_at.plus(SessionPolicy::default().retry_grace);
    let retry = fixture.refresh(&fixture.attempt(opened.token(), grace_over.minus(MICRO))).await;
    assert_eq!(retry.verdict, retry_of(slice::from_ref(&first)));
    let replay = fixture.refresh(&fixture.attempt(opened.token(), grace_over)).await;
    assert_eq!(replay.verdict, RefreshVerdict::Replay);
}

pub(super) async fn attempt_is_judged_by_its_own_policy(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let first = fixture.rotate(opened.token(), later(1)).await;
    let default = SessionPolicy::default();
    let attempt = fixture.attempt(opened.token(), later(60));
    let idle_policy = SessionPolicy { idle: Duration::from_secs(59), ..default.clone() };
    let idle = RefreshAttempt { policy: idle_policy, ..attempt.clone() };
    let refused = RefreshVerdict::Deny(RefreshDenial::SessionOver);
    assert_eq!(fixture.refresh(&idle).await.verdict, refused);
    let long_grace = SessionPolicy { retry_grace: Duration::from_secs(60), ..default.clone() };
    let patient = RefreshAttempt { policy: long_grace, ..attempt.clone() };
    assert_eq!(fixture.refresh(&patient).await.verdict, retry_of(slice::from_ref(&first)));
    let no_grace = SessionPolicy { retry_grace: Duration::ZERO, ..default };
    let strict = RefreshAttempt { policy: no_grace, ..attempt };
    assert_eq!(fixture.refresh(&strict).await.verdict, RefreshVerdict::Replay);
}

pub(super) async fn replay_ends_only_its_own_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let stolen = fixture.open(&user, now()).await;
    let other = fixture.open(&user, now()).await;
    let rotation = fixture.rotate(other.token(), later(45)).await;
    let others = fixture.session(other.session.id).await;
    let first = fixture.rotate(stolen.token(), later(1)).await;
    let second = fixture.rotate(first.successor_token(), later(2)).await;
    let before = fixture.session(stolen.session.id).await;
    let replay = fixture.refresh(&fixture.attempt(stolen.token(), later(50))).await;
    assert_eq!(replay.verdict, RefreshVerdict::Replay);
    assert_eq!(replay.record.session, before, "the record contains the session before the refresh");
    let end = Some(SessionEnd { at: later(50), reason: EndReason::Replayed });
    assert_eq!(fixture.session(stolen.session.id).await, Session { end, ..before.clone() });
    for token in [stolen.token(), first.successor_token(), second.successor_token()] {
        let judged = fixture.refresh(&fixture.attempt(token, later(51))).await;
        assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::SessionOver));
        assert_eq!(judged.record.chain, replay.record.chain, "the credentials are kept");
    }
    assert_eq!(fixture.session(stolen.session.id).await, Session { end, ..before }, "the first end is kept");
    assert_eq!(fixture.session(other.session.id).await, others, "the other session is live");
    let retry = fixture.refresh(&fixture.attempt(other.token(), later(52))).await;
    assert_eq!(retry.verdict, retry_of(slice::from_ref(&rotation)), "its credentials are kept");
    fixture.rotate(rotation.successor_token(), later(52)).await;
}

pub(super) async fn reusable_credential_stays_current_and_extends_the_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let mut session = opened.session.clone();
    // The last request was received before the one that was answered before it.
    for second in [1, 2, 4, 3] {
        let attempt = RefreshAttempt {
            client: client(RefreshStyle::Reusable),
            ..fixture.attempt(opened.token(), later(second))
        };
        let judged = fixture.refresh(&attempt).await;
        assert_eq!(judged.verdict, RefreshVerdict::Extend);
        assert_eq!(
            (judged.record.session, judged.record.chain),
            (session.clone(), CredentialChain::new(opened.credential))
        );
        session = Session { last_refreshed_at: later(second), ..session };
        assert_eq!(fixture.session(session.id).await, session, "the session is marked as refreshed");
    }
}

pub(super) async fn other_client_is_refused_and_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let first = fixture.rotate(opened.token(), later(1)).await;
    let session = fixture.session(opened.session.id).await;
    let chain = CredentialChain { current: first.successor, consumed: vec![first.consumed()] };
    for (token, id) in
        [(first.successor_token(), "elsewhere"), (first.successor_token(), "EXAMPLE"), (opened.token(), "")]
    {
        let mut attempt = fixture.attempt(token, later(60));
        attempt.client.id = ClientId::from(id.to_owned());
        let judged = fixture.refresh(&attempt).await;
        assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::OtherClient));
        assert_eq!(judged.record.chain, chain, "the credentials are unchanged");
        assert_eq!(fixture.session(session.id).await, session, "the session is unchanged");
    }
    let other = fixture.register_named("john").await.id;
    for (token, style) in [
        (first.successor_token(), RefreshStyle::RotatingSigned),
        (first.successor_token(), RefreshStyle::Reusable),
        (opened.token(), RefreshStyle::SelfRenewing),
    ] {
        let attempt = fixture.attempt(token, later(60));
        let attempt = RefreshAttempt { client: client(style), user: Some(other), ..attempt };
        let judged = fixture.refresh(&attempt).await;
        assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::OtherUser));
        assert_eq!(judged.record.chain, chain, "the credentials are unchanged");
        assert_eq!(fixture.session(session.id).await, session, "the session is unchanged");
    }
    let attempt = fixture.attempt(first.successor_token(), later(2));
    let named = fixture.refresh(&RefreshAttempt { user: Some(user.id), ..attempt }).await.verdict;
    assert!(matches!(named, RefreshVerdict::Rotate(_)), "the token names its user: {named:?}");
}

pub(super) async fn session_that_is_not_live_is_refused_and_unchanged(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let policy = SessionPolicy::default();
    let ended = fixture.open(&user, now()).await;
    let end = fixture.sessions().end(ended.session.id, EndReason::LoggedOut, later(1)).await;
    assert!(end.expect("no error").is_some());
    let opened = fixture.open(&user, now()).await;
    let over = [
        (&ended, later(2)),
        (&opened, now().plus(policy.idle)), // idle too long
        (&opened, opened.session.expires_at),
    ];
    for (new, at) in over {
        let before = fixture.session(new.session.id).await;
        for style in [RefreshStyle::Rotating, RefreshStyle::SelfRenewing, RefreshStyle::Reusable] {
            let attempt = RefreshAttempt { client: client(style), ..fixture.attempt(new.token(), at) };
            let judged = fixture.refresh(&attempt).await;
            assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::SessionOver));
            assert_eq!(judged.record.session, before, "the record contains the session");
            assert_eq!(judged.record.chain, CredentialChain::new(new.credential), "no successor is stored");
        }
        assert_eq!(fixture.session(new.session.id).await, before, "the session is unchanged");
    }
    // The session is live a microsecond earlier.
    fixture.rotate(opened.token(), now().plus(policy.idle).minus(MICRO)).await;
}

pub(super) async fn refresh_extends_the_idle_time_but_not_the_expiry(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let day = 24 * 60 * 60;
    for style in [RefreshStyle::Rotating, RefreshStyle::Reusable] {
        let opened = fixture.open(&user, now()).await;
        let mut token = opened.token();
        for days in [13, 26, 29] {
            let attempt =
                RefreshAttempt { client: client(style), ..fixture.attempt(token, later(days * day)) };
            match fixture.refresh(&attempt).await.verdict {
                RefreshVerdict::Rotate(_) => token = attempt.successor_token(),
                verdict => assert_eq!(verdict, RefreshVerdict::Extend),
            }
        }
        let verdict = refresh_as(&fixture, token, style, 30 * day).await;
        assert_eq!(verdict, RefreshVerdict::Deny(RefreshDenial::SessionOver));
    }
}
