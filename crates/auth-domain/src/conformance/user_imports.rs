//! Importing users in batches.

use super::StoreUnderTest;
use super::concurrency::{both, concurrently, rounds};
use super::fixture::{
    Fixture, display_name, email, hash, identifiers, key, last_micro, later, metadata, phone_number, roles,
    username,
};
use crate::model::{
    ExternalId, IdentifierKind, ImportOutcome, ImportState, ImportedUser, NewUser, PasswordHash, Timestamp,
    User, UserChanges, UserId, UserRef, UserStatus, judge_import,
};
use crate::ports::{RegisterOutcome, UpdateOutcome};

use ImportOutcome::{AlreadyImported, ExternalIdTaken, Imported, Taken};

/// An imported user with this username and no optional member.
fn plain_user(fixture: &Fixture<'_>, name: &str) -> ImportedUser {
    let user = NewUser { password_hash: Some(hash(name)), ..fixture.new_user(identifiers(Some(name), None)) };
    ImportedUser { user, email_verified: false, status: UserStatus::Active, external_id: None }
}

/// An imported user with both names and every optional member.
fn full_user(fixture: &Fixture<'_>, name: &str) -> ImportedUser {
    let user = NewUser {
        display_name: Some(display_name("Jane 'the \"one\"' \u{1f600}")),
        phone_number: Some(phone_number("+84123456789")),
        roles: roles("admin,customer"),
        password_hash: Some(hash(&format!("{name} {}", "x".repeat(400)))),
        created_at: Timestamp::from_unix_micros(981_173_106_000_007),
        metadata: Some(metadata("{\"plan\": \"'team'\"}\n")),
        ..fixture.new_user(identifiers(Some(name), Some(&format!("{name}@Mail.example"))))
    };
    let external_id = Some(external_id(&format!("auth0|{name} \u{1f600}")));
    ImportedUser { user, email_verified: true, status: UserStatus::Suspended, external_id }
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

fn external_id(text: &str) -> ExternalId {
    ExternalId::parse(text).expect("an external id")
}

/// An imported user with this username and external id.
fn user_with_external_id(fixture: &Fixture<'_>, name: &str, id: &str) -> ImportedUser {
    ImportedUser { external_id: Some(external_id(id)), ..plain_user(fixture, name) }
}

async fn holder_of(fixture: &Fixture<'_>, external_id: &ExternalId) -> Option<UserId> {
    let found = fixture.users().find(&UserRef::External(external_id.clone())).await.expect("no error");
    found.map(|user| user.id)
}

async fn import(fixture: &Fixture<'_>, batch: &[ImportedUser]) -> Vec<ImportOutcome> {
    fixture.users().import(batch).await.expect("no error")
}

async fn is_there(fixture: &Fixture<'_>, imported: &ImportedUser) -> bool {
    fixture.users().find(&UserRef::Id(imported.user.id)).await.expect("no error").is_some()
}

/// Asserts that the stored user equals the imported one.
async fn assert_stored(fixture: &Fixture<'_>, imported: &ImportedUser) {
    let NewUser { id, identifiers, display_name, phone_number, roles, password_hash, created_at, metadata } =
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
        external_id: imported.external_id.clone(),
        metadata,
    };
    assert_eq!(record.user, expected);
    if let Some(external_id) = &imported.external_id {
        assert_eq!(holder_of(fixture, external_id).await, Some(id), "found by the external id");
    }
    for (_, key) in record.user.identifiers.keys() {
        assert_eq!(fixture.holder(key.as_str()).await, Some(id), "found by {key:?}");
        let by_name = fixture.users().find_for_login(key).await.expect("no error");
        assert_eq!(by_name.as_ref(), Some(&record), "found by {key:?} for a login");
    }
}

pub(super) async fn imported_user_is_returned_as_imported(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let only_email = ImportedUser {
        user: fixture.new_user(identifiers(None, Some("mary@mail.example"))),
        email_verified: true,
        status: UserStatus::Active,
        external_id: None,
    };
    let one_name_twice = fixture.new_user(identifiers(Some("ann@mail.example"), Some("ann@mail.example")));
    let one_name_twice = ImportedUser { user: one_name_twice, ..plain_user(&fixture, "ann") };
    let longest = NewUser { created_at: last_micro(), ..fixture.longest_user() };
    let longest = ImportedUser {
        user: longest,
        ..user_with_external_id(&fixture, "longest", &"\u{1f600}".repeat(255))
    };
    let batch =
        [full_user(&fixture, "Jane"), plain_user(&fixture, "JOHN"), only_email, one_name_twice, longest];
    assert_eq!(import(&fixture, &batch).await, [Imported; 5]);
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
    let old = batch[0].user.password_hash.clone().expect("a hash");
    let better = hash("better");
    assert!(fixture.users().upgrade_password_hash(jane, &old, &better).await.expect("no error"));
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
    let ids = batch.each_ref().map(|imported| imported.user.id);
    assert_eq!(import(&fixture, &second).await, ids.map(AlreadyImported));
    assert_eq!(import(&fixture, &batch).await, ids.map(AlreadyImported), "a known user needs no new id");
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
    let user = NewUser { password_hash: Some(other), ..fixture.new_user(identifiers(Some("JANE"), None)) };
    let another = ImportedUser { user, ..first.clone() };
    let batch = [first.clone(), another.clone(), second_run(&fixture, &first)];
    let repeated = AlreadyImported(first.user.id);
    assert_eq!(import(&fixture, &batch).await, [Imported, Taken(IdentifierKind::Username), repeated]);
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
        let outcomes = concurrently(runs.iter().map(|run| import(&fixture, run)));
        let imported = outcomes.iter().flatten().filter(|outcome| **outcome == Imported).count();
        let is_known = |outcome: &&ImportOutcome| matches!(outcome, AlreadyImported(_));
        let known = outcomes.iter().flatten().filter(is_known).count();
        assert_eq!((imported, known), (20, 100), "one run imports each user, five recognise it");
        let listed = fixture.users().list(None, 1_000).await.expect("no error");
        assert_eq!(listed.len(), 20 * (round + 1));
    }
}

pub(super) async fn one_of_import_and_registration_of_one_name_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let name = format!("jane{round}");
        let names = ["a", "z", "jane", "b", "y"].map(|name| format!("{name}{round}"));
        let batch = names.each_ref().map(|name| plain_user(&fixture, name));
        let user = fixture.new_user(identifiers(Some(&name), None));
        let (outcomes, registered) = both(import(&fixture, &batch), fixture.users().register(&user));
        let registered = matches!(registered.expect("no error"), RegisterOutcome::Registered(_));
        assert_ne!(outcomes[2] == Imported, registered, "exactly one succeeds: {outcomes:?}");
        assert!(outcomes.iter().enumerate().all(|(index, outcome)| index == 2 || *outcome == Imported));
        let holder = if registered { user.id } else { batch[2].user.id };
        assert_eq!(fixture.holder(key(&name).as_str()).await, Some(holder));
    }
}

pub(super) async fn imported_external_id_is_found_and_unique(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let longest = "\u{1f600}".repeat(255);
    let batch = [
        user_with_external_id(&fixture, "first", "7"),
        user_with_external_id(&fixture, "second", "7"),
        user_with_external_id(&fixture, "lower", "auth0|a"),
        user_with_external_id(&fixture, "upper", "auth0|A"),
        user_with_external_id(&fixture, "longest", &longest),
        user_with_external_id(&fixture, "composed", "\u{e9}"),
        user_with_external_id(&fixture, "decomposed", "e\u{301}"),
        user_with_external_id(&fixture, "zero", "07"),
        // An external id is no identifier, so it conflicts with no name.
        user_with_external_id(&fixture, "7", "first"),
    ];
    let mut outcomes = [Imported; 9];
    outcomes[1] = ExternalIdTaken;
    assert_eq!(import(&fixture, &batch).await, outcomes);
    for (imported, outcome) in batch.iter().zip(outcomes) {
        match outcome {
            Imported => assert_stored(&fixture, imported).await,
            _ => assert!(!is_there(&fixture, imported).await, "a rejected user is not stored"),
        }
    }
    let late = user_with_external_id(&fixture, "late", "auth0|a");
    assert_eq!(import(&fixture, &[late]).await, [ExternalIdTaken]);
    for unknown in ["8", "AUTH0|a", "%", "auth0|_"] {
        assert_eq!(holder_of(&fixture, &external_id(unknown)).await, None, "{unknown}");
    }
    assert_eq!(fixture.holder("auth0|a").await, None, "an external id is no identifier");
    let last_differs = format!("{}b", "\u{1f600}".repeat(254));
    let upper = user_with_external_id(&fixture, "late", "AUTH0|A");
    let similar = user_with_external_id(&fixture, "similar", &last_differs);
    assert_eq!(import(&fixture, &[upper.clone(), similar.clone()]).await, [Imported; 2], "in another batch");
    assert_stored(&fixture, &upper).await;
    assert_stored(&fixture, &similar).await;
    assert_stored(&fixture, &batch[4]).await;
    fixture.suspend(upper.user.id).await;
    let later_run = user_with_external_id(&fixture, "later", "AUTH0|A");
    assert_eq!(import(&fixture, &[later_run]).await, [ExternalIdTaken], "its user is suspended");

    let first = batch[0].user.id;
    let changes = UserChanges { username: Some(username("renamed")), ..UserChanges::default() };
    let updated = fixture.users().update(first, &changes, later(1)).await.expect("no error");
    let UpdateOutcome::Updated(updated) = updated else { panic!("not updated: {updated:?}") };
    assert_eq!(updated.external_id, batch[0].external_id, "a change keeps the external id");
    assert!(fixture.users().delete(first).await.expect("no error"));
    assert_eq!(import(&fixture, &[batch[1].clone()]).await, [Imported], "a deleted user frees the id");
}

pub(super) async fn imported_user_may_have_no_password(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let without = |name: &str| {
        let mut imported = plain_user(&fixture, name);
        imported.user.password_hash = None;
        imported
    };
    let batch = [without("jane"), full_user(&fixture, "john"), without("mary")];
    assert_eq!(import(&fixture, &batch).await, [Imported; 3]);
    for imported in &batch {
        assert_stored(&fixture, imported).await;
    }
    let repeated = second_run(&fixture, &batch[0]);
    assert_eq!(import(&fixture, &[repeated]).await, [AlreadyImported(batch[0].user.id)]);
}

pub(super) async fn import_state_predicts_the_import(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    fixture.register_full_user("taken").await;
    let known = [full_user(&fixture, "jane"), user_with_external_id(&fixture, "john", "7")];
    import(&fixture, &known).await;
    let batch = [
        second_run(&fixture, &known[0]),
        plain_user(&fixture, "TAKEN"),
        user_with_email(&fixture, "free", "TAKEN@mail.example"),
        user_with_external_id(&fixture, "mary", "7"),
        user_with_external_id(&fixture, "ann", "8"),
    ];
    let users = fixture.users();
    let listed = users.list(None, 10).await.expect("no error");
    let state = users.find_import_state(&batch).await.expect("no error");
    assert_eq!(state, users.find_import_state(&batch).await.expect("no error"), "nothing changes");
    assert_eq!(users.list(None, 10).await.expect("no error"), listed, "no user is stored");
    let predicted = judge_import(&batch, state);
    let email_taken = Taken(IdentifierKind::Email);
    let username_taken = Taken(IdentifierKind::Username);
    let first = AlreadyImported(known[0].user.id);
    assert_eq!(predicted, [first, username_taken, email_taken, ExternalIdTaken, Imported]);
    assert_eq!(import(&fixture, &batch).await, predicted);
    let none = users.find_import_state(&[]).await.expect("no error");
    assert_eq!(none, ImportState::default());
}

pub(super) async fn concurrent_imports_store_each_external_id_once(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in 0..5 {
        // Each run has names of its own, and the external ids of all runs are the same.
        let batch = |run: usize| {
            let ids: Vec<_> = (0..10).map(|index| format!("{round}-{index}")).collect();
            let mut users: Vec<_> = ids
                .iter()
                .map(|id| user_with_external_id(&fixture, &format!("user-{run}-{id}"), id))
                .collect();
            if run.is_multiple_of(2) {
                users.reverse();
            }
            users
        };
        let batches: Vec<_> = (0..4).map(batch).collect();
        let outcomes = concurrently(batches.iter().map(|batch| import(&fixture, batch)));
        let imported = outcomes.iter().flatten().filter(|outcome| **outcome == Imported).count();
        let taken = outcomes.iter().flatten().filter(|outcome| **outcome == ExternalIdTaken).count();
        assert_eq!((imported, taken), (10, 30), "one run stores each external id");
    }
}

pub(super) async fn batch_of_300_users_is_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let batch: Vec<_> = (0..300).map(|index| full_user(&fixture, &format!("user-{index}"))).collect();
    assert_eq!(import(&fixture, &batch).await, [Imported; 300]);
    let ids: Vec<_> = batch.iter().map(|imported| imported.user.id).collect();
    let listed = fixture.users().list(None, u32::MAX).await.expect("no error");
    assert_eq!(listed.iter().map(|user| user.id).collect::<Vec<_>>(), ids, "in the order of the batch");
    let again: Vec<_> = batch.iter().map(|imported| second_run(&fixture, imported)).collect();
    let known: Vec<_> = ids.into_iter().map(AlreadyImported).collect();
    assert_eq!(import(&fixture, &again).await, known);
}
