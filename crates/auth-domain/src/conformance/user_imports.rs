//! Importing users in batches.

use futures_util::future::{join, join_all};

use super::StoreUnderTest;
use super::fixture::{
    Fixture, display_name, email, hash, identifiers, key, later, phone_number, roles, username,
};
use crate::model::{
    IdentifierKind, ImportOutcome, ImportedUser, NewUser, PasswordHash, Timestamp, User, UserChanges, UserId,
    UserRef, UserStatus,
};
use crate::ports::{RegisterOutcome, UpdateOutcome};

use ImportOutcome::{AlreadyImported, Imported, Taken};

/// An imported user with this username and no optional member.
fn plain_user(fixture: &Fixture<'_>, name: &str) -> ImportedUser {
    let user = NewUser { password_hash: hash(name), ..fixture.new_user(identifiers(Some(name), None)) };
    ImportedUser { user, email_verified: false, status: UserStatus::Active }
}

/// An imported user with both names and every optional member.
fn full_user(fixture: &Fixture<'_>, name: &str) -> ImportedUser {
    let user = NewUser {
        display_name: Some(display_name("Jane 'the \"one\"' \u{1f600}")),
        phone_number: Some(phone_number("+84123456789")),
        roles: roles("admin,customer"),
        password_hash: hash(&format!("{name} {}", "x".repeat(400))),
        created_at: Timestamp::from_unix_micros(981_173_106_000_007),
        ..fixture.new_user(identifiers(Some(name), Some(&format!("{name}@Mail.example"))))
    };
    ImportedUser { user, email_verified: true, status: UserStatus::Suspended }
}

/// An imported user with these names and no optional member.
fn user_with_email(fixture: &Fixture<'_>, name: &str, address: &str) -> ImportedUser {
    let user = fixture.new_user(identifiers(Some(name), Some(address)));
    ImportedUser { user, ..plain_user(fixture, name) }
}

/// The same user with a new id, as a second run of the import creates it.
fn second_run(fixture: &Fixture<'_>, imported: &ImportedUser) -> ImportedUser {
    ImportedUser { user: NewUser { id: UserId(fixture.uuid()), ..imported.user.clone() }, ..imported.clone() }
}

async fn import(fixture: &Fixture<'_>, batch: &[ImportedUser]) -> Vec<ImportOutcome> {
    fixture.users().import(batch).await.expect("no error")
}

async fn is_there(fixture: &Fixture<'_>, imported: &ImportedUser) -> bool {
    fixture.users().find(&UserRef::Id(imported.user.id)).await.expect("no error").is_some()
}

/// Asserts that the stored user equals the imported one.
async fn assert_stored(fixture: &Fixture<'_>, imported: &ImportedUser) {
    let NewUser { id, identifiers, display_name, phone_number, roles, password_hash, created_at } =
        imported.user.clone();
    let record = fixture.login_record(id).await;
    assert!(record.password.hash == password_hash, "the imported hash is stored");
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
        assert_eq!(fixture.holder(key.as_str()).await, Some(id), "found by {key:?}");
    }
}

pub(super) async fn imported_user_is_returned_as_imported(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let only_email = ImportedUser {
        user: fixture.new_user(identifiers(None, Some("mary@mail.example"))),
        email_verified: true,
        status: UserStatus::Active,
    };
    let one_name_twice = fixture.new_user(identifiers(Some("ann@mail.example"), Some("ann@mail.example")));
    let one_name_twice = ImportedUser { user: one_name_twice, ..plain_user(&fixture, "ann") };
    let batch = [full_user(&fixture, "Jane"), plain_user(&fixture, "JOHN"), only_email, one_name_twice];
    assert_eq!(import(&fixture, &batch).await, [Imported; 4]);
    for imported in &batch {
        assert_stored(&fixture, imported).await;
    }
    assert_eq!(import(&fixture, &[]).await, []);
}

pub(super) async fn imported_users_are_numbered_in_batch_order(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let first = fixture.register_named("first").await;
    let batch: Vec<_> = ["z", "a", "m", "b"].iter().map(|name| plain_user(&fixture, name)).collect();
    import(&fixture, &batch).await;
    let last = fixture.register_named("last").await;
    let ids: Vec<_> = batch.iter().map(|imported| imported.user.id).collect();
    let listed = fixture.users().list(Some(first.number), 10).await.expect("no error");
    let listed_ids: Vec<_> = listed.iter().map(|user| user.id).collect();
    assert_eq!(listed_ids, [ids, vec![last.id]].concat());
}

pub(super) async fn imported_user_is_recognised_after_any_change(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let batch = [full_user(&fixture, "jane"), plain_user(&fixture, "john"), plain_user(&fixture, "mary")];
    import(&fixture, &batch).await;
    let [jane, john, _] = batch.each_ref().map(|imported| imported.user.id);
    let (old, better) = (&batch[0].user.password_hash, hash("better"));
    assert!(fixture.users().upgrade_password_hash(jane, old, &better).await.expect("no error"));
    let changes = UserChanges {
        username: Some(username("another")),
        email: Some(email("another@mail.example")),
        ..UserChanges::default()
    };
    let outcome = fixture.users().update(jane, &changes, later(1)).await.expect("no error");
    assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
    let version = fixture.password_version(john).await;
    assert!(fixture.users().change_password(john, version, &hash("new"), later(1)).await.expect("no error"));
    let before = [fixture.login_record(jane).await, fixture.login_record(john).await];

    let second = batch.each_ref().map(|imported| second_run(&fixture, imported));
    assert_eq!(import(&fixture, &second).await, [AlreadyImported; 3]);
    assert_eq!(
        [fixture.login_record(jane).await, fixture.login_record(john).await],
        before,
        "the users are unchanged"
    );
    assert_eq!(fixture.users().list(None, 10).await.expect("no error").len(), 3, "no user was added");
}

pub(super) async fn batch_skips_only_users_with_taken_names(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let holder = fixture.register_full_user("jane").await;
    let before = fixture.login_record(holder.id).await;
    let batch = [
        plain_user(&fixture, "first"),
        plain_user(&fixture, "JANE"),
        user_with_email(&fixture, "free", "JANE@mail.example"),
        user_with_email(&fixture, "jane", "jane@mail.example"),
        plain_user(&fixture, "free"),
        user_with_email(&fixture, "Jane@Mail.example", "free@mail.example"),
        plain_user(&fixture, "free@mail.example"),
    ];
    let username_taken = Taken(IdentifierKind::Username);
    let outcomes = [
        Imported,
        username_taken,
        Taken(IdentifierKind::Email),
        username_taken,
        Imported,
        username_taken,
        Imported,
    ];
    assert_eq!(import(&fixture, &batch).await, outcomes);
    for (imported, outcome) in batch.iter().zip(outcomes) {
        match outcome {
            Imported => assert_stored(&fixture, imported).await,
            _ => assert!(!is_there(&fixture, imported).await, "a rejected user is not stored"),
        }
    }
    assert_eq!(fixture.login_record(holder.id).await, before, "the holder of the name is unchanged");
}

pub(super) async fn first_user_of_a_batch_gets_a_repeated_name(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let first = plain_user(&fixture, "jane");
    let other = PasswordHash::new("$example$v=1$another".to_owned());
    let user = NewUser { password_hash: other, ..fixture.new_user(identifiers(Some("JANE"), None)) };
    let another = ImportedUser { user, ..first.clone() };
    let batch = [first.clone(), another.clone(), second_run(&fixture, &first)];
    assert_eq!(import(&fixture, &batch).await, [Imported, Taken(IdentifierKind::Username), AlreadyImported]);
    assert_stored(&fixture, &first).await;
    assert_eq!(import(&fixture, &[second_run(&fixture, &another)]).await, [Taken(IdentifierKind::Username)]);
    assert_eq!(fixture.users().list(None, 10).await.expect("no error").len(), 1);
}

pub(super) async fn deleted_user_can_be_imported_again(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let jane = full_user(&fixture, "jane");
    assert_eq!(import(&fixture, std::slice::from_ref(&jane)).await, [Imported]);
    assert!(fixture.users().delete(jane.user.id).await.expect("no error"));
    let second = second_run(&fixture, &jane);
    assert_eq!(import(&fixture, std::slice::from_ref(&second)).await, [Imported]);
    assert_stored(&fixture, &second).await;
}

pub(super) async fn concurrent_imports_store_each_user_once(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in 0..5 {
        let batch: Vec<_> =
            (0..20).map(|index| full_user(&fixture, &format!("user-{round}-{index}"))).collect();
        let runs: Vec<Vec<_>> = (0..6)
            .map(|run| {
                let run_of: Vec<_> = batch.iter().map(|imported| second_run(&fixture, imported)).collect();
                if run % 2 == 0 { run_of } else { run_of.into_iter().rev().collect() }
            })
            .collect();
        let outcomes = join_all(runs.iter().map(|run| import(&fixture, run))).await;
        let imported = outcomes.iter().flatten().filter(|outcome| **outcome == Imported).count();
        let known = outcomes.iter().flatten().filter(|outcome| **outcome == AlreadyImported).count();
        assert_eq!((imported, known), (20, 100), "one run imports each user, five recognise it");
        let listed = fixture.users().list(None, 1_000).await.expect("no error");
        assert_eq!(listed.len(), 20 * (round + 1));
    }
}

pub(super) async fn one_of_import_and_registration_of_one_name_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in 0..20 {
        let name = format!("jane{round}");
        let names = ["a", "z", "jane", "b", "y"].map(|name| format!("{name}{round}"));
        let batch = names.each_ref().map(|name| plain_user(&fixture, name));
        let user = fixture.new_user(identifiers(Some(&name), None));
        let (importing, registering) = (import(&fixture, &batch), fixture.users().register(&user));
        let (outcomes, registered) = if round % 2 == 0 {
            join(importing, registering).await
        } else {
            let (registered, outcomes) = join(registering, importing).await;
            (outcomes, registered)
        };
        let registered = matches!(registered.expect("no error"), RegisterOutcome::Registered(_));
        assert_ne!(outcomes[2] == Imported, registered, "exactly one succeeds: {outcomes:?}");
        assert!(outcomes.iter().enumerate().all(|(index, outcome)| index == 2 || *outcome == Imported));
        let holder = if registered { user.id } else { batch[2].user.id };
        assert_eq!(fixture.holder(key(&name).as_str()).await, Some(holder));
    }
}
