//! A call that returns an error has changed nothing.

use std::fmt;

use super::StoreUnderTest;
use super::fixture::{Fixture, at_most, identifiers, later};
use crate::model::{
    CredentialChain, ImportedUser, NewApiKey, NewSession, NewUser, Session, UserId, UserStatus,
};
use crate::policy::SessionPolicy;
use crate::ports::{OpenOutcome, PortError};

pub(super) async fn duplicate_user_id_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let before = fixture.login_record(user.id).await;
    let names = identifiers(Some("free"), Some("free@example.com"));
    let duplicate = NewUser { id: user.id, ..fixture.new_user(names) };
    assert_corrupt(&fixture.users().register(&duplicate).await);
    assert_eq!(fixture.login_record(user.id).await, before);
    assert_eq!(fixture.users().list(None, 10).await.expect("no error"), vec![user]);
    for name in ["free", "free@example.com"] {
        assert_eq!(fixture.holder(name).await, None, "{name}");
    }
    fixture.register(&NewUser { id: UserId(fixture.uuid()), ..duplicate }).await;
}

pub(super) async fn duplicate_session_id_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, later(0)).await;
    let new = fixture.new_session(&user, opened.password_version, later(1));
    let duplicate = NewSession { session: Session { id: opened.session.id, ..new.session }, ..new };
    assert_open_fails(&fixture, &opened, &duplicate).await;
    assert_eq!(fixture.present(duplicate.token(), later(2)).await, None);
}

pub(super) async fn duplicate_family_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, later(0)).await;
    let new = fixture.new_session(&user, opened.password_version, later(1));
    let duplicate = NewSession { family: opened.family, ..new };
    assert_open_fails(&fixture, &opened, &duplicate).await;
    assert_eq!(fixture.find_session(duplicate.session.id).await, None);

    let other = fixture.register_named("john").await;
    let new = fixture.new_session(&other, fixture.password_version(other.id).await, later(1));
    let of_another_user = NewSession { family: opened.family, ..new };
    let ended = fixture.open(&user, later(3)).await;
    assert!(fixture.log_out(ended.session.id, later(4)).await);
    let new = fixture.new_session(&user, opened.password_version, later(5));
    let of_an_ended_session = NewSession { family: ended.family, ..new };
    for duplicate in [of_another_user, of_an_ended_session] {
        assert_corrupt(&fixture.sessions().open(&duplicate, &SessionPolicy::default()).await);
        assert_eq!(fixture.find_session(duplicate.session.id).await, None);
    }
}

/// Asserts that opening `duplicate` fails and changes nothing.
async fn assert_open_fails(fixture: &Fixture<'_>, opened: &NewSession, duplicate: &NewSession) {
    assert_corrupt(&fixture.sessions().open(duplicate, &SessionPolicy::default()).await);
    assert_eq!(fixture.session(opened.session.id).await, opened.session, "the session is unchanged");
    let judged = fixture.refresh(&fixture.attempt(opened.token(), later(2))).await;
    let chain = CredentialChain::new(opened.credential);
    assert_eq!(judged.record.session, opened.session);
    assert_eq!(judged.record.chain, chain, "its credential is unchanged");
}

/// Asserts that the call has found data that must not exist, so that the same call fails again.
fn assert_corrupt<T: fmt::Debug>(outcome: &Result<T, PortError>) {
    assert!(matches!(outcome, Err(PortError::Corrupt(_))), "ids and digests must be unique: {outcome:?}");
}

pub(super) async fn failed_opening_ends_no_other_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = [fixture.open(&user, later(0)).await, fixture.open(&user, later(1)).await];
    let new = fixture.new_session(&user, opened[0].password_version, later(2));
    let session = Session { id: opened[1].session.id, ..new.session.clone() };
    let duplicates =
        [NewSession { session, ..new.clone() }, NewSession { family: opened[1].family, ..new.clone() }];
    for duplicate in duplicates {
        assert_corrupt(&fixture.sessions().open(&duplicate, &at_most(1)).await);
        for NewSession { session, .. } in &opened {
            assert_eq!(fixture.session(session.id).await, *session, "the session is live");
        }
    }
    assert_eq!(fixture.try_open(&new, &at_most(1)).await, OpenOutcome::Opened);
}

pub(super) async fn duplicate_api_key_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let known = fixture.new_api_key("backend");
    fixture.api_keys().insert(&known).await.expect("no error");
    let same_secret = NewApiKey { digest: known.digest, ..fixture.new_api_key("other") };
    let mut same_id = fixture.new_api_key("other");
    same_id.key.id = known.key.id;
    for duplicate in [&same_secret, &same_id] {
        assert_corrupt(&fixture.api_keys().insert(duplicate).await);
    }
    assert_eq!(fixture.api_keys().list().await.expect("no error"), vec![known.key.clone()]);
    assert_eq!(fixture.api_keys().find(&known.digest).await.expect("no error"), Some(known.key));
    assert_eq!(fixture.api_keys().find(&same_id.digest).await.expect("no error"), None);
}

pub(super) async fn batch_with_a_taken_id_stores_no_user(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let known = fixture.register_full_user("known").await;
    let before = fixture.login_record(known.id).await;
    let user = |name: &str| ImportedUser {
        user: fixture.new_user(identifiers(Some(name), None)),
        email_verified: false,
        status: UserStatus::Active,
        external_id: None,
    };
    let with_id = |name: &str, id| {
        let imported = user(name);
        ImportedUser { user: NewUser { id, ..imported.user }, ..imported }
    };
    let first = user("first");
    let twice = with_id("again", first.user.id);
    for batch in [vec![first.clone(), with_id("second", known.id), user("third")], vec![first, twice]] {
        assert_corrupt(&fixture.users().import(&batch).await);
        assert_eq!(fixture.users().list(None, 10).await.expect("no error"), vec![known.clone()]);
        assert_eq!(fixture.login_record(known.id).await, before);
        for name in ["first", "second", "third", "again"] {
            assert_eq!(fixture.holder(name).await, None, "{name}");
        }
    }
}
