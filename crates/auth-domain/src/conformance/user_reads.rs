//! Every method that returns a user returns the right one, in its current state.

use uuid::Uuid;

use super::StoreUnderTest;
use super::concurrency::{both, rounds};
use super::fixture::{
    Fixture, PresentedToken, display_name, email, hash, identifiers, later, metadata, now, phone_number,
    roles, username,
};
use crate::model::{
    ExternalId, ImportOutcome, ImportedUser, LoginRecord, MetadataChange, NewUser, SessionId, User,
    UserChanges, UserId, UserRef, UserStatus,
};

/// Asserts that every method finds this user, by everything that identifies the user.
async fn assert_found_everywhere(fixture: &Fixture<'_>, record: &LoginRecord, why: &str) {
    let (users, user) = (fixture.users(), &record.user);
    let mut refs = vec![UserRef::Id(user.id), UserRef::Number(user.number)];
    refs.extend(user.external_id.clone().map(UserRef::External));
    refs.extend(user.identifiers.keys().into_iter().map(|(_, key)| UserRef::Identifier(key.clone())));
    for by in refs {
        let found = users.find(&by).await.expect("no error");
        assert_eq!(found.as_ref(), Some(user), "`find` by {by:?}, {why}");
    }
    for (_, key) in user.identifiers.keys() {
        let found = users.find_for_login(key).await.expect("no error");
        assert_eq!(found.as_ref(), Some(record), "`find_for_login` by {key:?}, {why}");
    }
    assert_eq!(&fixture.login_record(user.id).await, record, "`find_with_password`, {why}");
    assert_eq!(
        users.find_recent(user.id).await.expect("no error").as_ref(),
        Some(user),
        "`find_recent`, {why}"
    );
    let listed = users.list(None, u32::MAX).await.expect("no error");
    assert_eq!(listed.iter().find(|listed| listed.id == user.id), Some(user), "`list`, {why}");
}

/// Asserts that a session is found and refreshed with this user.
async fn assert_found_with_session(
    fixture: &Fixture<'_>,
    user: &User,
    session: SessionId,
    token: PresentedToken,
    why: &str,
) {
    let found = fixture.sessions().find(session).await.expect("no error").map(|(_, user)| user);
    assert_eq!(found.as_ref(), Some(user), "`find` of the session, {why}");
    let judged = fixture.present(token, later(60)).await.expect("the session exists");
    assert_eq!(&judged.record.user, user, "`refresh`, {why}");
}

/// A user whose members all differ from those of the user of another number.
fn user_number(fixture: &Fixture<'_>, number: u32) -> NewUser {
    let (name, address) = (format!("user{number}"), format!("{number}@mail.example"));
    NewUser {
        // Neither the ids nor the times are in the order of the numbers.
        id: UserId(Uuid::from_u128(u128::MAX - u128::from(number))),
        created_at: later(u64::from(100 - number)),
        display_name: Some(display_name(&format!("User {number}"))),
        phone_number: Some(phone_number(&format!("+1555010{number:04}"))),
        roles: roles(&format!("role{number}")),
        password_hash: Some(hash(&format!("password {number}"))),
        ..fixture.new_user(identifiers(Some(&name), Some(&address)))
    }
}

fn record_of(user: User, new: &NewUser, version: crate::model::PasswordVersion) -> LoginRecord {
    LoginRecord { user, password: crate::model::StoredPassword { hash: new.password_hash.clone(), version } }
}

pub(super) async fn each_of_12_users_is_found_by_every_method(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut records = Vec::new();
    for number in 0..12 {
        let new = user_number(&fixture, number);
        let user = fixture.register(&new).await;
        let version = fixture.password_version(user.id).await;
        records.push(record_of(user, &new, version));
    }
    for record in &records {
        assert_found_everywhere(&fixture, record, "registered").await;
    }
}

pub(super) async fn each_of_12_imported_users_is_found_by_every_method(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let batch: Vec<_> = (0..12)
        .map(|number| ImportedUser {
            user: user_number(&fixture, number),
            email_verified: number % 2 == 0,
            status: if number % 3 == 0 { UserStatus::Suspended } else { UserStatus::Active },
            external_id: Some(ExternalId::parse(&number.to_string()).expect("an external id")),
        })
        .collect();
    let outcomes = fixture.users().import(&batch).await.expect("no error");
    assert_eq!(outcomes, [ImportOutcome::Imported; 12]);
    for imported in &batch {
        let LoginRecord { user, password } = fixture.login_record(imported.user.id).await;
        let members = (user.email_verified, user.status, user.external_id.clone(), user.roles.clone());
        let ImportedUser { email_verified, status, external_id, .. } = imported.clone();
        assert_eq!(members, (email_verified, status, external_id, imported.user.roles.clone()));
        assert_found_everywhere(&fixture, &record_of(user, &imported.user, password.version), "imported")
            .await;
    }
}

pub(super) async fn changed_user_is_returned_by_every_method(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let imported = ImportedUser {
        user: user_number(&fixture, 7),
        email_verified: true,
        status: UserStatus::Active,
        external_id: Some(ExternalId::parse("seven").expect("an external id")),
    };
    fixture.users().import(&[imported]).await.expect("no error");
    let other = fixture.register_full_user("other").await;
    let (others, users) = (fixture.login_record(other.id).await, fixture.users());
    let id = user_number(&fixture, 7).id;
    let mut expected = fixture.login_record(id).await;
    let opened = fixture.open(&expected.user, now()).await;
    let check = async |expected: &LoginRecord, why: &str| {
        assert_found_everywhere(&fixture, expected, why).await;
        assert_found_with_session(&fixture, &expected.user, opened.session.id, opened.token(), why).await;
        assert_found_everywhere(&fixture, &others, "the other user is unchanged").await;
    };
    check(&expected, "imported").await;

    let changes = UserChanges { username: Some(username("Renamed")), ..UserChanges::default() };
    users.update(id, &changes, later(1)).await.expect("no error");
    expected.user.identifiers = expected.user.identifiers.changed(changes.username, None);
    check(&expected, "renamed").await;
    let changes = UserChanges {
        email: Some(email("renamed@mail.example")),
        metadata: MetadataChange::Set(metadata("{\"a\":1}")),
        ..UserChanges::default()
    };
    users.update(id, &changes, later(1)).await.expect("no error");
    expected.user.identifiers = expected.user.identifiers.changed(None, changes.email);
    expected.user.email_verified = false;
    expected.user.metadata = Some(metadata("{\"a\":1}"));
    check(&expected, "with another e-mail address").await;
    store.verify_email(id).await;
    let recent = UserChanges { phone_number: Some(phone_number("+15550199")), ..UserChanges::default() };
    users.update(id, &recent, later(1)).await.expect("no error");
    expected.user.email_verified = true;
    expected.user.phone_number = recent.phone_number;
    check(&expected, "with a verified e-mail address").await;

    let old = expected.password.hash.clone().expect("a password");
    assert!(users.upgrade_password_hash(id, &old, &hash("better")).await.expect("no error"));
    expected.password.hash = Some(hash("better"));
    check(&expected, "with a better hash").await;
    assert!(
        users.change_password(id, expected.password.version, &hash("new"), later(1)).await.expect("no error")
    );
    expected.password.hash = Some(hash("new"));
    let version = fixture.password_version(id).await;
    assert!(version > expected.password.version, "the version has increased");
    expected.password.version = version;
    check(&expected, "with another password").await;
    for given in ["editor", ""] {
        expected.user.roles = roles(given);
        let returned = users.set_roles(id, &expected.user.roles, later(1)).await.expect("no error");
        assert_eq!(returned.as_ref(), Some(&expected.user));
        check(&expected, "with other roles").await;
    }
    for status in [UserStatus::Suspended, UserStatus::Active] {
        expected.user.status = status;
        let returned = users.set_status(id, status, later(1)).await.expect("no error");
        assert_eq!(returned.as_ref(), Some(&expected.user));
        check(&expected, "with another status").await;
    }
}

pub(super) async fn read_during_a_change_returns_no_old_user_later(store: &dyn StoreUnderTest) {
    let fixture = &Fixture::new(store);
    let user = fixture.register_full_user("jane").await.id;
    for round in rounds() {
        let given = &roles(&format!("role{round}"));
        let users = fixture.users();
        // A change before each race, so that no cache has the user.
        let change_before =
            async || users.set_roles(user, &roles("before"), later(1)).await.expect("no error");
        change_before().await;
        let (changed, read) = both(users.set_roles(user, given, later(1)), users.find_recent(user));
        changed.expect("no error").expect("the user exists");
        read.expect("no error").expect("the user exists");
        let recent = users.find_recent(user).await.expect("no error").map(|user| user.roles);
        assert_eq!(recent.as_ref(), Some(given), "a read began before the change and ended after it");

        let name = Some(display_name(&format!("Jane {round}")));
        let renaming = UserChanges { display_name: name.clone(), ..UserChanges::default() };
        change_before().await;
        let (changed, read) = both(users.update(user, &renaming, later(1)), users.find_recent(user));
        changed.expect("no error");
        read.expect("no error").expect("the user exists");
        let recent = users.find_recent(user).await.expect("no error").map(|user| user.display_name);
        assert_eq!(recent, Some(name), "a read began before the update and ended after it");

        let status = if round.is_multiple_of(2) { UserStatus::Suspended } else { UserStatus::Active };
        change_before().await;
        let (changed, read) = both(users.set_status(user, status, later(1)), users.find_recent(user));
        changed.expect("no error").expect("the user exists");
        read.expect("no error").expect("the user exists");
        let recent = users.find_recent(user).await.expect("no error").map(|user| user.status);
        assert_eq!(recent, Some(status), "a read began before the change of status and ended after it");

        let leaver = fixture.register_named(&format!("leaver {round}")).await.id;
        let (deleted, read) = both(users.delete(leaver), users.find_recent(leaver));
        assert!(deleted.expect("no error"), "the user exists");
        read.expect("no error");
        assert_eq!(users.find_recent(leaver).await.expect("no error"), None, "deleted during a read");
    }
}
