//! Usernames and e-mail addresses are unique by their keys, in one namespace.

use super::StoreUnderTest;
use super::fixture::{Fixture, display_name, hash, identifiers, key, later, username};
use crate::model::{IdentifierKind, MetadataChange, User, UserChanges, UserRef};
use crate::ports::{RegisterOutcome, UpdateOutcome};

/// Registers a user with these names and returns the outcome.
async fn register(fixture: &Fixture<'_>, name: Option<&str>, address: Option<&str>) -> RegisterOutcome {
    let user = fixture.new_user(identifiers(name, address));
    fixture.users().register(&user).await.expect("no error")
}

/// Changes the names of `user` and returns the outcome.
async fn rename(
    fixture: &Fixture<'_>,
    user: &User,
    name: Option<&str>,
    address: Option<&str>,
) -> UpdateOutcome {
    let changes = UserChanges {
        username: name.map(username),
        email: address.map(super::fixture::email),
        ..UserChanges::default()
    };
    fixture.users().update(user.id, &changes, later(1)).await.expect("no error")
}

async fn jane(fixture: &Fixture<'_>) -> User {
    fixture.register(&fixture.new_user(identifiers(Some("Jane_Doe"), Some("Jane@Example.com")))).await
}

const TAKEN_USERNAME: RegisterOutcome = RegisterOutcome::Taken(IdentifierKind::Username);
const TAKEN_EMAIL: RegisterOutcome = RegisterOutcome::Taken(IdentifierKind::Email);

pub(super) async fn user_is_found_by_each_name_in_every_spelling(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    fixture.register_named("another user").await;
    let user = jane(&fixture).await;
    for name in ["jane_doe", "JANE_DOE", "\u{ff2a}ane_doe", "jane@example.com", "Jane@Example.COM"] {
        let found = fixture.users().find(&UserRef::Identifier(key(name))).await.expect("no error");
        assert_eq!(found.as_ref(), Some(&user), "{name}");
        let record = fixture.users().find_for_login(&key(name)).await.expect("no error");
        assert_eq!(record.map(|record| record.user).as_ref(), Some(&user), "{name}");
    }
}

pub(super) async fn username_is_taken_in_every_spelling(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (index, (taken, requested)) in [
        ("john", "JOHN"),
        ("Stra\u{df}e", "STRASSE"),
        ("e\u{301}mile", "\u{c9}mile"),
        ("\u{3c3}\u{3c2}", "\u{3a3}\u{3a3}"),
    ]
    .into_iter()
    .enumerate()
    {
        let holder = fixture.register_named(taken).await;
        assert_eq!(
            register(&fixture, Some(requested), None).await,
            TAKEN_USERNAME,
            "{requested} while {taken} is taken"
        );
        assert_eq!(register(&fixture, Some(taken), None).await, TAKEN_USERNAME, "{taken} a second time");
        let address = format!("free{index}@example.com");
        assert_eq!(register(&fixture, Some(requested), Some(&address)).await, TAKEN_USERNAME);
        fixture.suspend(holder.id).await;
        assert_eq!(register(&fixture, Some(taken), None).await, TAKEN_USERNAME, "the holder is suspended");
    }
}

pub(super) async fn email_is_taken_in_every_spelling(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (taken, requested) in [
        ("jane@example.com", "JANE@EXAMPLE.COM"),
        ("jane@b\u{fc}cher.example", "jane@xn--bcher-kva.example"),
        ("j\u{fc}rgen@example.com", "J\u{dc}RGEN@example.com"),
    ] {
        let holder = fixture.register(&fixture.new_user(identifiers(None, Some(taken)))).await;
        assert_eq!(
            register(&fixture, None, Some(requested)).await,
            TAKEN_EMAIL,
            "{requested} while {taken} is taken"
        );
        let name = format!("free {}", taken.len());
        assert_eq!(register(&fixture, Some(&name), Some(requested)).await, TAKEN_EMAIL);
        fixture.suspend(holder.id).await;
        assert_eq!(register(&fixture, None, Some(taken)).await, TAKEN_EMAIL, "the holder is suspended");
    }
}

pub(super) async fn usernames_and_emails_share_one_namespace(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    fixture.register(&fixture.new_user(identifiers(None, Some("jane@example.com")))).await;
    fixture.register_named("john@example.com").await;
    assert_eq!(register(&fixture, Some("Jane@Example.com"), None).await, TAKEN_USERNAME);
    assert_eq!(register(&fixture, None, Some("John@Example.com")).await, TAKEN_EMAIL);
    let other = fixture.register_named("other").await;
    assert_eq!(
        rename(&fixture, &other, Some("JANE@example.com"), None).await,
        UpdateOutcome::Taken(IdentifierKind::Username)
    );
    assert_eq!(
        rename(&fixture, &other, None, Some("JOHN@example.com")).await,
        UpdateOutcome::Taken(IdentifierKind::Email)
    );
}

pub(super) async fn different_names_are_free(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    jane(&fixture).await;
    for name in
        ["Jane Doe", "Jane-Doe", "jane_do", "jane_doee", "j\u{e0}ne_doe", "%", "jane%", "jane@example.co"]
    {
        fixture.register_named(name).await;
    }
}

pub(super) async fn accents_distinguish_names(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut users = Vec::new();
    for name in ["cafe", "caf\u{e9}", "caf\u{ea}", "\u{131}n", "in", "ang", "\u{e5}ng", "aang"] {
        users.push(fixture.register_named(name).await);
        users.push(
            fixture
                .register(&fixture.new_user(identifiers(None, Some(&format!("{name}@mail.example")))))
                .await,
        );
    }
    for user in &users {
        for (_, name) in user.identifiers.keys() {
            assert_eq!(fixture.holder(name.as_str()).await, Some(user.id), "{name:?}");
            let record = fixture.users().find_for_login(name).await.expect("no error");
            assert_eq!(record.map(|record| record.user).as_ref(), Some(user), "{name:?}");
        }
    }
    for taken in ["CAFE", "CAF\u{c9}", "cafe\u{301}", "CAFE\u{302}", "A\u{30a}NG"] {
        assert_eq!(register(&fixture, Some(taken), None).await, TAKEN_USERNAME, "{taken}");
        let outcome = rename(&fixture, &users[15], Some(taken), None).await;
        assert_eq!(outcome, UpdateOutcome::Taken(IdentifierKind::Username), "{taken}");
    }
    let outcome = rename(&fixture, &users[0], Some("c\u{e0}fe"), None).await;
    assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
}

pub(super) async fn username_conflict_is_reported_before_email_conflict(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    jane(&fixture).await;
    fixture.register(&fixture.new_user(identifiers(Some("zoe"), Some("zoe@example.com")))).await;
    let other = fixture.register_named("other").await;
    for (name, address) in [
        ("jane_doe", "jane@example.com"),       // one user has both
        ("zoe", "jane@example.com"),            // the e-mail address sorts first
        ("jane_doe", "zoe@example.com"),        // the username sorts first
        ("zoe@example.com", "zoe@example.com"), // one name in both fields
        ("zoe@example.com", "jane@example.com"),
    ] {
        assert_eq!(register(&fixture, Some(name), Some(address)).await, TAKEN_USERNAME, "{name}, {address}");
        let outcome = rename(&fixture, &other, Some(name), Some(address)).await;
        assert_eq!(outcome, UpdateOutcome::Taken(IdentifierKind::Username), "{name}, {address}");
    }
}

pub(super) async fn one_user_can_have_equal_username_and_email(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let names = identifiers(Some("Jane@example.com"), Some("jane@Example.com"));
    let user = fixture.register(&fixture.new_user(names)).await;
    assert_eq!(fixture.holder("jane@example.com").await, Some(user.id));
    let other = fixture.register_named("other").await;
    assert!(matches!(
        rename(&fixture, &other, None, Some("other@example.com")).await,
        UpdateOutcome::Updated(_)
    ));
    assert!(matches!(
        rename(&fixture, &other, Some("OTHER@example.com"), None).await,
        UpdateOutcome::Updated(_)
    ));
    assert_eq!(fixture.holder("other@example.com").await, Some(other.id));
    assert_eq!(fixture.holder("other").await, None, "the old name is free");
}

pub(super) async fn name_in_both_fields_is_taken_until_both_change(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (name, first, second) in [
        ("jane@example.com", (None, Some("new@example.com")), (Some("jane"), None)),
        ("john@example.com", (Some("john"), None), (None, Some("john@mail.example"))),
    ] {
        let user = fixture.register(&fixture.new_user(identifiers(Some(name), Some(name)))).await;
        rename(&fixture, &user, first.0, first.1).await;
        assert_eq!(register(&fixture, Some(name), None).await, TAKEN_USERNAME);
        assert_eq!(fixture.holder(name).await, Some(user.id));
        rename(&fixture, &user, second.0, second.1).await;
        assert!(matches!(register(&fixture, None, Some(name)).await, RegisterOutcome::Registered(_)));
    }
}

pub(super) async fn user_can_change_the_spelling_of_a_name(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = jane(&fixture).await;
    let UpdateOutcome::Updated(changed) =
        rename(&fixture, &user, Some("JANE_DOE"), Some("jane@example.COM")).await
    else {
        panic!("the names of a user are free for that user");
    };
    assert_eq!((changed.username(), changed.email()), (Some("JANE_DOE"), Some("jane@example.COM")));
    assert_eq!(fixture.user(user.id).await, changed);
    assert_eq!(register(&fixture, Some("jane_doe"), None).await, TAKEN_USERNAME);
    assert_eq!(register(&fixture, None, Some("jane@example.com")).await, TAKEN_EMAIL);
}

pub(super) async fn user_can_swap_username_and_email(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let names = identifiers(Some("a@example.com"), Some("b@example.com"));
    let user = fixture.register(&fixture.new_user(names)).await;
    let UpdateOutcome::Updated(changed) =
        rename(&fixture, &user, Some("b@example.com"), Some("a@example.com")).await
    else {
        panic!("the names of a user are free for that user");
    };
    assert_eq!((changed.username(), changed.email()), (Some("b@example.com"), Some("a@example.com")));
    for name in ["a@example.com", "b@example.com"] {
        assert_eq!(fixture.holder(name).await, Some(user.id));
        assert_eq!(register(&fixture, Some(name), None).await, TAKEN_USERNAME);
    }
}

pub(super) async fn changing_a_name_frees_the_old_one(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = jane(&fixture).await;
    rename(&fixture, &user, Some("Janet"), Some("janet@example.com")).await;
    for old in ["jane_doe", "jane@example.com"] {
        assert_eq!(fixture.holder(old).await, None, "{old}");
        assert_eq!(fixture.users().find_for_login(&key(old)).await.expect("no error"), None, "{old}");
    }
    let outcome = register(&fixture, Some("jane_doe"), Some("jane@example.com")).await;
    assert!(matches!(outcome, RegisterOutcome::Registered(_)), "{outcome:?}");
    assert_eq!(register(&fixture, Some("janet"), None).await, TAKEN_USERNAME, "the new name is taken");
    assert_eq!(
        register(&fixture, None, Some("janet@example.com")).await,
        TAKEN_EMAIL,
        "the new name is taken"
    );
}

pub(super) async fn deleting_a_user_frees_both_names(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = jane(&fixture).await;
    assert!(fixture.users().delete(user.id).await.expect("no error"));
    assert_eq!(fixture.holder("jane_doe").await, None);
    assert_eq!(fixture.holder("jane@example.com").await, None);
    let again = jane(&fixture).await;
    assert_eq!(fixture.holder("jane_doe").await, Some(again.id));
}

pub(super) async fn rejected_registration_stores_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = jane(&fixture).await;
    let halves = [(Some("free"), Some("jane@example.com")), (Some("jane_doe"), Some("free@example.com"))];
    for (name, address) in halves {
        let new = fixture.new_user(identifiers(name, address));
        let outcome = fixture.users().register(&new).await.expect("no error");
        assert!(matches!(outcome, RegisterOutcome::Taken(_)), "{outcome:?}");
        assert_eq!(fixture.users().find(&UserRef::Id(new.id)).await.expect("no error"), None);
    }
    assert_eq!(fixture.holder("free").await, None);
    assert_eq!(fixture.holder("free@example.com").await, None);
    assert_eq!(fixture.users().list(None, 10).await.expect("no error"), vec![user]);
    fixture.register(&fixture.new_user(identifiers(Some("free"), Some("free@example.com")))).await;
}

pub(super) async fn rejected_change_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    jane(&fixture).await;
    let user = fixture.register_full_user("john").await;
    store.verify_email(user.id).await;
    let session = fixture.open(&user, later(0)).await;
    let before = fixture.login_record(user.id).await;
    for (name, address) in [("free", "jane@example.com"), ("jane_doe", "free@example.com")] {
        let changes = UserChanges {
            username: Some(username(name)),
            email: Some(super::fixture::email(address)),
            display_name: Some(display_name("Changed")),
            phone_number: Some(super::fixture::phone_number("+1555")),
            password_hash: Some(hash("changed")),
            metadata: MetadataChange::Set(super::fixture::metadata("changed")),
        };
        let outcome = fixture.users().update(user.id, &changes, later(1)).await.expect("no error");
        assert!(matches!(outcome, UpdateOutcome::Taken(_)), "{outcome:?}");
    }
    assert_eq!(fixture.login_record(user.id).await, before);
    assert_eq!(fixture.session(session.session.id).await, session.session, "the session is live");
    for (name, holder) in [("john", Some(user.id)), ("free", None), ("free@example.com", None)] {
        assert_eq!(fixture.holder(name).await, holder, "{name}");
    }
    fixture.register(&fixture.new_user(identifiers(Some("free"), Some("free@example.com")))).await;
}
