//! Importing users in batches.

use futures_util::future::{join, join_all};

use super::StoreFixture;
use super::scene::{
    Scene, display_name, email, hash, identifiers, key, later, phone_number, roles, username,
};
use crate::model::{
    IdentifierKind, ImportOutcome, ImportedUser, NewUser, PasswordHash, Timestamp, User, UserChanges, UserId,
    UserRef, UserStatus,
};
use crate::ports::{RegisterOutcome, UpdateOutcome};

use ImportOutcome::{AlreadyImported, Imported, Taken};

/// Somebody of that name, with nothing that need not be.
fn somebody(scene: &Scene<'_>, name: &str) -> ImportedUser {
    let user = NewUser { password_hash: hash(name), ..scene.new_user(identifiers(Some(name), None)) };
    ImportedUser { user, email_verified: false, status: UserStatus::Active }
}

/// Somebody with both names and everything else.
fn whole(scene: &Scene<'_>, name: &str) -> ImportedUser {
    let user = NewUser {
        display_name: Some(display_name("Jane 'the \"one\"' \u{1f600}")),
        phone_number: Some(phone_number("+84123456789")),
        roles: roles("admin,customer"),
        password_hash: hash(&format!("{name} {}", "x".repeat(400))),
        created_at: Timestamp::from_unix_micros(981_173_106_000_007),
        ..scene.new_user(identifiers(Some(name), Some(&format!("{name}@Mail.example"))))
    };
    ImportedUser { user, email_verified: true, status: UserStatus::Suspended }
}

/// The same once more, as another run of the import reads it.
fn again(scene: &Scene<'_>, imported: &ImportedUser) -> ImportedUser {
    ImportedUser { user: NewUser { id: UserId(scene.uuid()), ..imported.user.clone() }, ..imported.clone() }
}

async fn import(scene: &Scene<'_>, batch: &[ImportedUser]) -> Vec<ImportOutcome> {
    scene.users().import(batch).await.expect("no fault")
}

async fn is_there(scene: &Scene<'_>, imported: &ImportedUser) -> bool {
    scene.users().find(&UserRef::Id(imported.user.id)).await.expect("no fault").is_some()
}

/// Asserts that the user is stored as the import brought them.
async fn assert_stored(scene: &Scene<'_>, imported: &ImportedUser) {
    let NewUser { id, identifiers, display_name, phone_number, roles, password_hash, created_at } =
        imported.user.clone();
    let record = scene.login_record(id).await;
    assert!(record.password.hash == password_hash, "the hash is the one that was brought");
    let expected = User {
        id,
        number: record.user.number,
        identifiers,
        display_name,
        phone_number,
        email_verified: imported.email_verified,
        status: imported.status,
        roles,
        created_at,
    };
    assert_eq!(record.user, expected);
    for (_, key) in record.user.identifiers.keys() {
        assert_eq!(scene.holder(key.as_str()).await, Some(id), "found by {key:?}");
    }
}

pub(super) async fn an_imported_user_is_given_back_as_brought(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let only_email = ImportedUser {
        user: scene.new_user(identifiers(None, Some("mary@mail.example"))),
        email_verified: true,
        status: UserStatus::Active,
    };
    let one_name_twice = scene.new_user(identifiers(Some("ann@mail.example"), Some("ann@mail.example")));
    let one_name_twice = ImportedUser { user: one_name_twice, ..somebody(&scene, "ann") };
    let batch = [whole(&scene, "Jane"), somebody(&scene, "JOHN"), only_email, one_name_twice];
    assert_eq!(import(&scene, &batch).await, [Imported; 4]);
    for imported in &batch {
        assert_stored(&scene, imported).await;
    }
    assert_eq!(import(&scene, &[]).await, []);
}

pub(super) async fn imported_users_are_numbered_in_their_order(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let first = scene.register_named("first").await;
    let batch: Vec<_> = ["z", "a", "m", "b"].iter().map(|name| somebody(&scene, name)).collect();
    import(&scene, &batch).await;
    let last = scene.register_named("last").await;
    let ids: Vec<_> = batch.iter().map(|imported| imported.user.id).collect();
    let listed = scene.users().list(Some(first.number), 10).await.expect("no fault");
    let listed_ids: Vec<_> = listed.iter().map(|user| user.id).collect();
    assert_eq!(listed_ids, [ids, vec![last.id]].concat());
}

pub(super) async fn a_user_who_was_imported_is_known_whatever_has_changed(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let batch = [whole(&scene, "jane"), somebody(&scene, "john"), somebody(&scene, "mary")];
    import(&scene, &batch).await;
    let [jane, john, _] = batch.each_ref().map(|imported| imported.user.id);
    let (old, better) = (&batch[0].user.password_hash, hash("better"));
    assert!(scene.users().upgrade_password_hash(jane, old, &better).await.expect("no fault"));
    let changes = UserChanges {
        username: Some(username("another")),
        email: Some(email("another@mail.example")),
        ..UserChanges::default()
    };
    let outcome = scene.users().update(jane, &changes, later(1)).await.expect("no fault");
    assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
    let version = scene.password_version(john).await;
    assert!(scene.users().change_password(john, version, &hash("new"), later(1)).await.expect("no fault"));
    let before = [scene.login_record(jane).await, scene.login_record(john).await];

    let second = batch.each_ref().map(|imported| again(&scene, imported));
    assert_eq!(import(&scene, &second).await, [AlreadyImported; 3]);
    assert_eq!([scene.login_record(jane).await, scene.login_record(john).await], before, "nothing changed");
    assert_eq!(scene.users().list(None, 10).await.expect("no fault").len(), 3, "nobody was added");
}

pub(super) async fn a_batch_is_imported_but_for_those_whose_names_are_taken(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let holder = scene.register_whole("jane").await;
    let before = scene.login_record(holder.id).await;
    let both = |name, address| ImportedUser {
        user: scene.new_user(identifiers(Some(name), Some(address))),
        ..somebody(&scene, name)
    };
    let batch = [
        somebody(&scene, "first"),
        somebody(&scene, "JANE"),
        both("free", "JANE@mail.example"),
        both("jane", "jane@mail.example"),
        somebody(&scene, "free"),
        both("Jane@Mail.example", "free@mail.example"),
        somebody(&scene, "free@mail.example"),
    ];
    let name = Taken(IdentifierKind::Username);
    let outcomes = [Imported, name, Taken(IdentifierKind::Email), name, Imported, name, Imported];
    assert_eq!(import(&scene, &batch).await, outcomes);
    for (imported, outcome) in batch.iter().zip(outcomes) {
        match outcome {
            Imported => assert_stored(&scene, imported).await,
            _ => assert!(!is_there(&scene, imported).await, "whoever is refused is not stored"),
        }
    }
    assert_eq!(scene.login_record(holder.id).await, before, "who has a name keeps it");
}

pub(super) async fn names_that_meet_in_a_batch_are_the_firsts(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let first = somebody(&scene, "jane");
    let other = PasswordHash::new("$example$v=1$another".to_owned());
    let user = NewUser { password_hash: other, ..scene.new_user(identifiers(Some("JANE"), None)) };
    let another = ImportedUser { user, ..first.clone() };
    let batch = [first.clone(), another.clone(), again(&scene, &first)];
    assert_eq!(import(&scene, &batch).await, [Imported, Taken(IdentifierKind::Username), AlreadyImported]);
    assert_stored(&scene, &first).await;
    assert_eq!(import(&scene, &[again(&scene, &another)]).await, [Taken(IdentifierKind::Username)]);
    assert_eq!(scene.users().list(None, 10).await.expect("no fault").len(), 1);
}

pub(super) async fn who_was_imported_and_deleted_is_imported_again(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let jane = whole(&scene, "jane");
    assert_eq!(import(&scene, std::slice::from_ref(&jane)).await, [Imported]);
    assert!(scene.users().delete(jane.user.id).await.expect("no fault"));
    let second = again(&scene, &jane);
    assert_eq!(import(&scene, std::slice::from_ref(&second)).await, [Imported]);
    assert_stored(&scene, &second).await;
}

pub(super) async fn of_imports_of_one_batch_at_once_each_user_is_stored_once(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for round in 0..5 {
        let batch: Vec<_> = (0..20).map(|index| whole(&scene, &format!("user-{round}-{index}"))).collect();
        let runs: Vec<Vec<_>> = (0..6)
            .map(|run| {
                let run_of: Vec<_> = batch.iter().map(|imported| again(&scene, imported)).collect();
                if run % 2 == 0 { run_of } else { run_of.into_iter().rev().collect() }
            })
            .collect();
        let outcomes = join_all(runs.iter().map(|run| import(&scene, run))).await;
        let imported = outcomes.iter().flatten().filter(|outcome| **outcome == Imported).count();
        let known = outcomes.iter().flatten().filter(|outcome| **outcome == AlreadyImported).count();
        assert_eq!((imported, known), (20, 100), "each once, and known to all the others");
        let listed = scene.users().list(None, 1_000).await.expect("no fault");
        assert_eq!(listed.len(), 20 * (round + 1));
    }
}

pub(super) async fn of_an_import_and_a_registration_of_one_name_exactly_one_succeeds(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    for round in 0..20 {
        let name = format!("jane{round}");
        let names = ["a", "z", "jane", "b", "y"].map(|name| format!("{name}{round}"));
        let batch = names.each_ref().map(|name| somebody(&scene, name));
        let user = scene.new_user(identifiers(Some(&name), None));
        let (importing, registering) = (import(&scene, &batch), scene.users().register(&user));
        let (outcomes, registered) = if round % 2 == 0 {
            join(importing, registering).await
        } else {
            let (registered, outcomes) = join(registering, importing).await;
            (outcomes, registered)
        };
        let registered = matches!(registered.expect("no fault"), RegisterOutcome::Registered(_));
        assert_ne!(outcomes[2] == Imported, registered, "exactly one: {outcomes:?}");
        assert!(outcomes.iter().enumerate().all(|(index, outcome)| index == 2 || *outcome == Imported));
        let holder = if registered { user.id } else { batch[2].user.id };
        assert_eq!(scene.holder(key(&name).as_str()).await, Some(holder));
    }
}
