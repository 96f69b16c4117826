//! Every member of a user is returned as it was stored.

use uuid::Uuid;

use super::StoreUnderTest;
use super::fixture::{
    Fixture, display_name, hash, identifiers, key, later, metadata, now, phone_number, roles,
};
use crate::model::{
    MetadataChange, NewUser, PasswordHash, Timestamp, User, UserChanges, UserId, UserNumber, UserRef,
    UserStatus,
};
use crate::testing::NAMES_OF_PEOPLE;

/// Registers a user and reads the user by every method.
async fn round_trip(fixture: &Fixture<'_>, new: &NewUser) -> User {
    let user = fixture.register(new).await;
    let stored = User {
        id: new.id,
        number: user.number,
        identifiers: new.identifiers.clone(),
        display_name: new.display_name.clone(),
        phone_number: new.phone_number.clone(),
        email_verified: false,
        status: UserStatus::Active,
        roles: new.roles.clone(),
        created_at: new.created_at,
        external_id: None,
        metadata: new.metadata.clone(),
    };
    assert_eq!(user, stored, "returned by `register`");
    let mut refs = vec![UserRef::Id(user.id), UserRef::Number(user.number)];
    refs.extend(new.identifiers.keys().into_iter().map(|(_, key)| UserRef::Identifier(key.clone())));
    for by in refs {
        let found = fixture.users().find(&by).await.expect("no error");
        assert_eq!(found.as_ref(), Some(&stored), "found by {by:?}");
    }
    let record = fixture.login_record(user.id).await;
    assert_eq!(record.user, stored, "returned by `find_with_password`");
    assert!(record.password.hash == new.password_hash, "the stored hash is returned");
    for (_, key) in new.identifiers.keys() {
        let by_name = fixture.users().find_for_login(key).await.expect("no error");
        assert_eq!(by_name.as_ref(), Some(&record), "returned by `find_for_login` for {key:?}");
    }
    let listed = fixture.users().list(None, 1_000).await.expect("no error");
    assert!(listed.contains(&stored), "must be in the list {listed:?}");
    user
}

pub(super) async fn full_user_is_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let names = identifiers(Some("j\u{f6}hn D\u{153} \u{1f600}"), Some("j\u{f6}hn@b\u{fc}cher.example"));
    let new = NewUser {
        display_name: Some(display_name("  \u{130}\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f469}  ")),
        phone_number: Some(phone_number("+84123456789")),
        roles: roles("admin,customer,support.level-2"),
        metadata: Some(metadata("{\"tenant\":\"\u{130}\u{5e9} \u{1f600}\"}\r\n")),
        ..fixture.new_user(names)
    };
    round_trip(&fixture, &new).await;
}

pub(super) async fn username_only_user_is_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    round_trip(&fixture, &fixture.new_user(identifiers(Some("jane"), None))).await;
}

pub(super) async fn email_only_user_is_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    round_trip(&fixture, &fixture.new_user(identifiers(None, Some("jane@example.com")))).await;
}

pub(super) async fn user_without_a_password_is_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let new = fixture.new_user(identifiers(Some("jane"), Some("jane@example.com")));
    let new = NewUser { password_hash: None, ..new };
    let user = round_trip(&fixture, &new).await;
    let upgraded = fixture.users().upgrade_password_hash(user.id, &hash(""), &hash("better")).await;
    assert!(!upgraded.expect("no error"), "there is no hash to replace");
    let version = fixture.password_version(user.id).await;
    let changed = fixture.users().change_password(user.id, version, &hash("first"), later(1)).await;
    assert!(changed.expect("no error"), "the first password can be set");
    assert!(fixture.login_record(user.id).await.password.hash == Some(hash("first")));
}

pub(super) async fn each_optional_member_is_stored_on_its_own(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| fixture.new_user(identifiers(Some(name), None)));
    round_trip(&fixture, &NewUser { display_name: Some(display_name("Jane")), ..a }).await;
    round_trip(&fixture, &NewUser { phone_number: Some(phone_number("+15550100199")), ..b }).await;
    round_trip(&fixture, &NewUser { roles: roles("customer"), ..c }).await;
    round_trip(&fixture, &NewUser { metadata: Some(metadata("{}")), ..d }).await;
}

pub(super) async fn longest_members_are_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    round_trip(&fixture, &fixture.longest_user()).await;
    let longest =
        format!("{}@{}.example", "a".repeat(64), ["b".repeat(60), "c".repeat(60), "d".repeat(58)].join("."));
    round_trip(&fixture, &fixture.new_user(identifiers(None, Some(&longest)))).await;
}

pub(super) async fn names_keep_their_typed_spelling(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (typed, address) in [
        ("John_Doe", "John.Doe@Example.COM"),
        ("e\u{301}mile", "\u{c9}mile@b\u{fc}cher.example"),
        ("\u{e9}loise", "\u{e9}LOISE@xn--bcher-kva.example"),
        ("STRASSE", "strasse@example.com"),
        ("\u{ff4a}anet", "janet@example.com"),
    ] {
        let user = round_trip(&fixture, &fixture.new_user(identifiers(Some(typed), Some(address)))).await;
        assert_eq!((user.username(), user.email()), (Some(typed), Some(address)));
    }
}

pub(super) async fn display_names_of_every_script_are_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (index, (_, name)) in NAMES_OF_PEOPLE.into_iter().enumerate() {
        let new = NewUser {
            display_name: Some(display_name(name)),
            ..fixture.new_user(identifiers(Some(&format!("user{index}")), None))
        };
        round_trip(&fixture, &new).await;
    }
}

pub(super) async fn metadata_is_returned_byte_by_byte(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (index, text) in [
        " ",
        "  {\"b\":1, \"a\":1, \"a\":2} ",
        "e\u{301} \u{e9}",
        "\u{1}\u{202e}\u{feff}\u{fffe}",
        "a\r\nb\n",
    ]
    .into_iter()
    .enumerate()
    {
        let new = NewUser {
            metadata: Some(metadata(text)),
            ..fixture.new_user(identifiers(Some(&format!("user {index}")), None))
        };
        round_trip(&fixture, &new).await;
    }
}

pub(super) async fn text_with_database_syntax_is_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (index, text) in [
        "007",
        "1e3",
        "0x10",
        "NULL",
        "true",
        "%",
        "_",
        "\\",
        "'; DROP TABLE users; --",
        "\"",
        "a,b",
        "{}",
        "$1",
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("{index}@example.com");
        let new = NewUser {
            display_name: Some(display_name(text)),
            password_hash: Some(PasswordHash::new(text.to_owned())),
            metadata: Some(metadata(text)),
            ..fixture.new_user(identifiers(Some(text), Some(&address)))
        };
        round_trip(&fixture, &new).await;
    }
}

pub(super) async fn times_keep_their_microseconds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let last_micro = Timestamp::from_unix_micros(Timestamp::MAX.unix_micros() - 1);
    for (index, created_at) in
        [Timestamp::UNIX_EPOCH, Timestamp::from_unix_micros(1), now(), later(1), last_micro, Timestamp::MAX]
            .into_iter()
            .enumerate()
    {
        let names = identifiers(Some(&format!("user {index}")), None);
        round_trip(&fixture, &NewUser { created_at, ..fixture.new_user(names) }).await;
    }
}

pub(super) async fn smallest_and_largest_ids_are_returned(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for id in [Uuid::nil(), Uuid::from_u128(1), Uuid::from_u128(u128::MAX >> 1), Uuid::max()] {
        let names = identifiers(Some(&id.to_string()), None);
        round_trip(&fixture, &NewUser { id: UserId(id), ..fixture.new_user(names) }).await;
    }
}

pub(super) async fn changed_members_are_returned_as_changed(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    store.verify_email(user.id).await;
    fixture.users().set_status(user.id, UserStatus::Suspended, later(1)).await.expect("no error");
    fixture.users().set_roles(user.id, &roles("editor"), later(1)).await.expect("no error");
    let changed =
        User { email_verified: true, status: UserStatus::Suspended, roles: roles("editor"), ..user.clone() };
    assert_eq!(fixture.user(user.id).await, changed);
    assert_eq!(fixture.login_record(user.id).await.user, changed);
    assert_eq!(fixture.users().list(None, 10).await.expect("no error"), vec![changed.clone()]);
    let record = fixture.users().find_for_login(&key("jane")).await.expect("no error");
    assert_eq!(record.map(|record| record.user), Some(changed.clone()));

    let version = fixture.password_version(user.id).await;
    let password = fixture.users().change_password(user.id, version, &hash("second"), later(2)).await;
    assert!(password.expect("no error"), "the version is current");
    assert_eq!(fixture.user(user.id).await, changed, "another password changes no other member");

    let longest = fixture.longest_user();
    let new_members = UserChanges {
        username: longest.identifiers.username().cloned(),
        email: longest.identifiers.email().cloned(),
        display_name: longest.display_name.clone(),
        phone_number: longest.phone_number.clone(),
        password_hash: longest.password_hash.clone(),
        metadata: longest.metadata.clone().map_or(MetadataChange::Keep, MetadataChange::Set),
    };
    fixture.users().update(user.id, &new_members, later(3)).await.expect("no error");
    fixture.users().set_roles(user.id, &longest.roles, later(3)).await.expect("no error");
    let changed = User {
        identifiers: longest.identifiers,
        display_name: longest.display_name,
        phone_number: longest.phone_number,
        roles: longest.roles,
        metadata: longest.metadata,
        email_verified: false,
        ..changed
    };
    let record = fixture.login_record(user.id).await;
    assert_eq!(record.user, changed, "changed to the longest members");
    assert!(record.password.hash == longest.password_hash, "changed to the longest hash");
}

pub(super) async fn unknown_user_is_not_found(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    fixture.register_full_user("john").await;
    for id in [fixture.uuid(), Uuid::nil(), Uuid::max()].map(UserId) {
        assert_eq!(fixture.users().find(&UserRef::Id(id)).await.expect("no error"), None);
        assert_eq!(fixture.users().find_with_password(id).await.expect("no error"), None);
    }
    for number in [i64::MIN, -1, 0, user.number.0 + 2, 1 << 53, i64::MAX].map(UserNumber) {
        assert_eq!(fixture.users().find(&UserRef::Number(number)).await.expect("no error"), None, "{number}");
    }
    let number = user.number.0.to_string();
    let other_members = ["The one and only john", "+84123456789", "admin", "first", &number];
    for name in
        ["joan", "jan", "jane@example.com", "j%", "jan_", "\u{1f600}"].into_iter().chain(other_members)
    {
        assert_eq!(
            fixture.users().find(&UserRef::Identifier(key(name))).await.expect("no error"),
            None,
            "{name}"
        );
        assert_eq!(fixture.users().find_for_login(&key(name)).await.expect("no error"), None, "{name}");
    }
}
