//! Usernames and e-mail addresses: unique by their keys, in one space.

use super::StoreFixture;
use super::scene::{Scene, display_name, hash, identifiers, key, later, username};
use crate::model::{IdentifierKind, User, UserChanges, UserRef};
use crate::ports::{RegisterOutcome, UpdateOutcome};

/// What registering somebody by these names comes to.
async fn register(scene: &Scene<'_>, name: Option<&str>, address: Option<&str>) -> RegisterOutcome {
    let user = scene.new_user(identifiers(name, address));
    scene.users().register(&user).await.expect("no fault")
}

/// What giving `user` these names comes to.
async fn rename(scene: &Scene<'_>, user: &User, name: Option<&str>, address: Option<&str>) -> UpdateOutcome {
    let changes = UserChanges {
        username: name.map(username),
        email: address.map(super::scene::email),
        ..UserChanges::default()
    };
    scene.users().update(user.id, &changes, later(1)).await.expect("no fault")
}

async fn jane(scene: &Scene<'_>) -> User {
    scene.register(&scene.new_user(identifiers(Some("Jane_Doe"), Some("Jane@Example.com")))).await
}

const TAKEN_USERNAME: RegisterOutcome = RegisterOutcome::Taken(IdentifierKind::Username);
const TAKEN_EMAIL: RegisterOutcome = RegisterOutcome::Taken(IdentifierKind::Email);

pub(super) async fn a_user_is_found_by_each_of_their_names_in_every_spelling(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    scene.register_named("somebody else").await;
    let user = jane(&scene).await;
    for name in ["jane_doe", "JANE_DOE", "\u{ff2a}ane_doe", "jane@example.com", "Jane@Example.COM"] {
        let found = scene.users().find(&UserRef::Identifier(key(name))).await.expect("no fault");
        assert_eq!(found.as_ref(), Some(&user), "{name}");
        let record = scene.users().find_for_login(&key(name)).await.expect("no fault");
        assert_eq!(record.map(|record| record.user).as_ref(), Some(&user), "{name}");
    }
}

pub(super) async fn a_username_is_taken_in_every_spelling(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for (index, (held, asked)) in [
        ("john", "JOHN"),
        ("Stra\u{df}e", "STRASSE"),
        ("e\u{301}mile", "\u{c9}mile"),
        ("\u{3c3}\u{3c2}", "\u{3a3}\u{3a3}"),
    ]
    .into_iter()
    .enumerate()
    {
        scene.register_named(held).await;
        assert_eq!(register(&scene, Some(asked), None).await, TAKEN_USERNAME, "{asked} when {held} is held");
        assert_eq!(register(&scene, Some(held), None).await, TAKEN_USERNAME, "{held} again");
        let address = format!("free{index}@example.com");
        assert_eq!(register(&scene, Some(asked), Some(&address)).await, TAKEN_USERNAME);
    }
}

pub(super) async fn an_email_is_taken_in_every_spelling(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for (held, asked) in [
        ("jane@example.com", "JANE@EXAMPLE.COM"),
        ("jane@b\u{fc}cher.example", "jane@xn--bcher-kva.example"),
        ("j\u{fc}rgen@example.com", "J\u{dc}RGEN@example.com"),
    ] {
        scene.register(&scene.new_user(identifiers(None, Some(held)))).await;
        assert_eq!(register(&scene, None, Some(asked)).await, TAKEN_EMAIL, "{asked} when {held} is held");
        let name = format!("free {}", held.len());
        assert_eq!(register(&scene, Some(&name), Some(asked)).await, TAKEN_EMAIL);
    }
}

pub(super) async fn usernames_and_emails_share_one_space(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    scene.register(&scene.new_user(identifiers(None, Some("jane@example.com")))).await;
    scene.register_named("john@example.com").await;
    assert_eq!(register(&scene, Some("Jane@Example.com"), None).await, TAKEN_USERNAME);
    assert_eq!(register(&scene, None, Some("John@Example.com")).await, TAKEN_EMAIL);
    let other = scene.register_named("other").await;
    let taken = |kind| UpdateOutcome::Taken(kind);
    assert_eq!(rename(&scene, &other, Some("JANE@example.com"), None).await, taken(IdentifierKind::Username));
    assert_eq!(rename(&scene, &other, None, Some("JOHN@example.com")).await, taken(IdentifierKind::Email));
}

pub(super) async fn names_that_differ_are_free(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    jane(&scene).await;
    for name in
        ["Jane Doe", "Jane-Doe", "jane_do", "jane_doee", "j\u{e0}ne_doe", "%", "jane%", "jane@example.co"]
    {
        scene.register_named(name).await;
    }
}

pub(super) async fn when_both_names_are_taken_the_username_is_named(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    jane(&scene).await;
    scene.register(&scene.new_user(identifiers(Some("zoe"), Some("zoe@example.com")))).await;
    let other = scene.register_named("other").await;
    for (name, address) in [
        ("jane_doe", "jane@example.com"),       // one user has both
        ("zoe", "jane@example.com"),            // the e-mail address sorts first
        ("jane_doe", "zoe@example.com"),        // the username sorts first
        ("zoe@example.com", "zoe@example.com"), // one name, asked for twice
        ("zoe@example.com", "jane@example.com"),
    ] {
        assert_eq!(register(&scene, Some(name), Some(address)).await, TAKEN_USERNAME, "{name}, {address}");
        let outcome = rename(&scene, &other, Some(name), Some(address)).await;
        assert_eq!(outcome, UpdateOutcome::Taken(IdentifierKind::Username), "{name}, {address}");
    }
}

pub(super) async fn one_name_in_both_fields_of_one_user_is_no_conflict(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let names = identifiers(Some("Jane@example.com"), Some("jane@Example.com"));
    let user = scene.register(&scene.new_user(names)).await;
    assert_eq!(scene.holder("jane@example.com").await, Some(user.id));
    let other = scene.register_named("other").await;
    assert!(matches!(
        rename(&scene, &other, None, Some("other@example.com")).await,
        UpdateOutcome::Updated(_)
    ));
    assert!(matches!(
        rename(&scene, &other, Some("OTHER@example.com"), None).await,
        UpdateOutcome::Updated(_)
    ));
    assert_eq!(scene.holder("other@example.com").await, Some(other.id));
    assert_eq!(scene.holder("other").await, None, "the old name is free");
}

pub(super) async fn a_name_in_both_fields_stays_taken_until_both_have_changed(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let names = identifiers(Some("jane@example.com"), Some("jane@example.com"));
    let user = scene.register(&scene.new_user(names)).await;
    rename(&scene, &user, None, Some("new@example.com")).await;
    assert_eq!(register(&scene, Some("jane@example.com"), None).await, TAKEN_USERNAME);
    assert_eq!(scene.holder("jane@example.com").await, Some(user.id));
    rename(&scene, &user, Some("jane"), None).await;
    assert!(matches!(register(&scene, None, Some("jane@example.com")).await, RegisterOutcome::Registered(_)));
}

pub(super) async fn a_user_may_change_the_spelling_of_a_name(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = jane(&scene).await;
    let UpdateOutcome::Updated(changed) =
        rename(&scene, &user, Some("JANE_DOE"), Some("jane@example.COM")).await
    else {
        panic!("a user's own names are free for that user");
    };
    assert_eq!((changed.username(), changed.email()), (Some("JANE_DOE"), Some("jane@example.COM")));
    assert_eq!(scene.user(user.id).await, changed);
    assert_eq!(register(&scene, Some("jane_doe"), None).await, TAKEN_USERNAME);
    assert_eq!(register(&scene, None, Some("jane@example.com")).await, TAKEN_EMAIL);
}

pub(super) async fn a_user_may_swap_username_and_email(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let names = identifiers(Some("a@example.com"), Some("b@example.com"));
    let user = scene.register(&scene.new_user(names)).await;
    let UpdateOutcome::Updated(changed) =
        rename(&scene, &user, Some("b@example.com"), Some("a@example.com")).await
    else {
        panic!("a user's own names are free for that user");
    };
    assert_eq!((changed.username(), changed.email()), (Some("b@example.com"), Some("a@example.com")));
    for name in ["a@example.com", "b@example.com"] {
        assert_eq!(scene.holder(name).await, Some(user.id));
        assert_eq!(register(&scene, Some(name), None).await, TAKEN_USERNAME);
    }
}

pub(super) async fn a_changed_name_frees_the_old_one(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = jane(&scene).await;
    rename(&scene, &user, Some("Janet"), Some("janet@example.com")).await;
    for old in ["jane_doe", "jane@example.com"] {
        assert_eq!(scene.holder(old).await, None, "{old}");
        assert_eq!(scene.users().find_for_login(&key(old)).await.expect("no fault"), None, "{old}");
    }
    let outcome = register(&scene, Some("jane_doe"), Some("jane@example.com")).await;
    assert!(matches!(outcome, RegisterOutcome::Registered(_)), "{outcome:?}");
    assert_eq!(register(&scene, Some("janet"), None).await, TAKEN_USERNAME, "the new name is taken");
    assert_eq!(register(&scene, None, Some("janet@example.com")).await, TAKEN_EMAIL, "the new name is taken");
}

pub(super) async fn a_deleted_user_frees_their_names(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = jane(&scene).await;
    assert!(scene.users().delete(user.id).await.expect("no fault"));
    assert_eq!(scene.holder("jane_doe").await, None);
    assert_eq!(scene.holder("jane@example.com").await, None);
    let again = jane(&scene).await;
    assert_eq!(scene.holder("jane_doe").await, Some(again.id));
}

pub(super) async fn a_refused_registration_leaves_nothing_behind(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = jane(&scene).await;
    let halves = [(Some("free"), Some("jane@example.com")), (Some("jane_doe"), Some("free@example.com"))];
    for (name, address) in halves {
        let new = scene.new_user(identifiers(name, address));
        let outcome = scene.users().register(&new).await.expect("no fault");
        assert!(matches!(outcome, RegisterOutcome::Taken(_)), "{outcome:?}");
        assert_eq!(scene.users().find(&UserRef::Id(new.id)).await.expect("no fault"), None);
    }
    assert_eq!(scene.holder("free").await, None);
    assert_eq!(scene.holder("free@example.com").await, None);
    assert_eq!(scene.users().list(None, 10).await.expect("no fault"), vec![user]);
    scene.register(&scene.new_user(identifiers(Some("free"), Some("free@example.com")))).await;
}

pub(super) async fn a_refused_change_leaves_everything_as_it_was(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    jane(&scene).await;
    let user = scene.register_whole("john").await;
    store.verify_email(user.id).await;
    let session = scene.open(&user, later(0)).await;
    let before = scene.login_record(user.id).await;
    for (name, address) in [("free", "jane@example.com"), ("jane_doe", "free@example.com")] {
        let changes = UserChanges {
            username: Some(username(name)),
            email: Some(super::scene::email(address)),
            display_name: Some(display_name("Changed")),
            phone_number: Some(super::scene::phone_number("+1555")),
            password_hash: Some(hash("changed")),
        };
        let outcome = scene.users().update(user.id, &changes, later(1)).await.expect("no fault");
        assert!(matches!(outcome, UpdateOutcome::Taken(_)), "{outcome:?}");
    }
    assert_eq!(scene.login_record(user.id).await, before);
    assert_eq!(scene.session(session.session.id).await, session.session, "the session is live");
    for (name, holder) in [("john", Some(user.id)), ("free", None), ("free@example.com", None)] {
        assert_eq!(scene.holder(name).await, holder, "{name}");
    }
    scene.register(&scene.new_user(identifiers(Some("free"), Some("free@example.com")))).await;
}
