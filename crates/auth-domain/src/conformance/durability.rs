//! A change is durable when its call returns: a second store over the same data reads it, as after a restart.

use super::StoreUnderTest;
use super::fixture::{Fixture, display_name, hash, identifiers, key, later, now, roles};
use crate::model::{
    AuditAction, AuditEvent, AuditFilter, AuditOutcome, AuditedCaller, ImportedUser, NewUser, Timestamp,
    UserChanges, UserRef, UserStatus,
};

/// The store after a restart. `None` if it keeps nothing.
async fn reopen(store: &dyn StoreUnderTest) -> Option<Box<dyn StoreUnderTest>> {
    let reopened = store.reopen().await;
    if reopened.is_none() {
        #[expect(clippy::print_stdout, reason = "the output of a test says why it checked nothing")]
        {
            println!("`reopen` returns `None`: the durability of the store is not checked");
        }
    }
    reopened
}

pub(super) async fn users_outlive_the_process(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let imported = ImportedUser {
        user: NewUser { roles: roles("editor"), ..fixture.new_user(identifiers(Some("mary"), None)) },
        email_verified: false,
        status: UserStatus::Active,
        external_id: None,
    };
    let batch = std::slice::from_ref(&imported);
    fixture.users().import(batch).await.expect("no error");
    let jane = fixture.register_full_user("jane").await.id;
    let deleted = fixture.register_named("john").await;
    let changes = UserChanges { display_name: Some(display_name("Janet")), ..UserChanges::default() };
    fixture.users().update(jane, &changes, later(1)).await.expect("no error");
    fixture.users().set_roles(jane, &roles("admin"), later(2)).await.expect("no error");
    fixture.users().set_status(jane, UserStatus::Suspended, later(3)).await.expect("no error");
    let version = fixture.password_version(jane).await;
    assert!(
        fixture.users().change_password(jane, version, &hash("second"), later(4)).await.expect("no error")
    );
    let upgraded = fixture.users().upgrade_password_hash(jane, &hash("second"), &hash("better")).await;
    assert!(upgraded.expect("no error"));
    assert!(fixture.users().delete(deleted.id).await.expect("no error"));
    let (listed, record) =
        (fixture.users().list(None, 10).await.expect("no error"), fixture.login_record(jane).await);

    let Some(reopened) = reopen(store).await else { return };
    let users = reopened.users();
    assert_eq!(users.list(None, 10).await.expect("no error"), listed, "every user is there as it was");
    assert_eq!(users.find_for_login(&key("jane")).await.expect("no error"), Some(record));
    assert_eq!(users.find(&UserRef::Identifier(key("john"))).await.expect("no error"), None, "deleted");
    let state = users.find_import_state(batch).await.expect("no error");
    assert_eq!(state.known.values().copied().collect::<Vec<_>>(), [imported.user.id], "imported before");
    let next = Fixture::new(&*reopened).register_anew("next").await;
    assert!(next.number > deleted.number, "no number is assigned twice");
}

pub(super) async fn sessions_outlive_the_process(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let (kept, ended) = (fixture.open(&user, now()).await, fixture.open(&user, now()).await);
    let rotation = fixture.rotate(kept.token(), later(1)).await;
    assert!(fixture.log_out(ended.session.id, later(2)).await);
    let sessions = [&kept, &ended].map(|new| new.session.id);
    let mut before = Vec::new();
    for session in sessions {
        before.push(fixture.session(session).await);
    }

    let Some(reopened) = reopen(store).await else { return };
    let after = Fixture::new(&*reopened);
    for (session, before) in sessions.into_iter().zip(before) {
        assert_eq!(after.session(session).await, before);
    }
    let judged = after.refresh(&fixture.attempt(rotation.successor_token(), later(3))).await;
    assert_eq!(judged.record.chain.current, rotation.successor, "the rotation is stored");
    assert_eq!(judged.record.chain.consumed, [rotation.consumed()], "the consumed credential is stored");
}

pub(super) async fn api_keys_outlive_the_process(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (kept, revoked) = (fixture.new_api_key("kept"), fixture.new_api_key("revoked"));
    for new in [&kept, &revoked] {
        fixture.api_keys().insert(new).await.expect("no error");
    }
    fixture.api_keys().mark_used(kept.key.id, later(1)).await.expect("no error");
    assert!(fixture.api_keys().revoke(revoked.key.id, later(2)).await.expect("no error"));
    let listed = fixture.api_keys().list().await.expect("no error");

    let Some(reopened) = reopen(store).await else { return };
    assert_eq!(reopened.api_keys().list().await.expect("no error"), listed);
    let found = reopened.api_keys().find(&revoked.digest).await.expect("no error");
    assert_eq!(found.and_then(|key| key.revoked_at), Some(later(2)));
}

pub(super) async fn audit_events_outlive_the_process(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let event = |at: Timestamp| AuditEvent {
        at,
        merged: None,
        action: AuditAction::UserLoggedIn,
        outcome: AuditOutcome::Succeeded,
        user: None,
        session: None,
        client: None,
        caller: AuditedCaller::default(),
        detail: None,
    };
    let all = AuditFilter::default();
    fixture
        .audit_events()
        .append(&[event(later(0)), event(later(1)), event(later(2))])
        .await
        .expect("no error");
    let purged = fixture.audit_events().purge(later(1), 10).await.expect("no error");
    assert_eq!(purged, 1);
    let listed = fixture.audit_events().list(&all, None, 10).await.expect("no error");

    let Some(reopened) = reopen(store).await else { return };
    let events = reopened.audit_events();
    assert_eq!(events.list(&all, None, 10).await.expect("no error"), listed);
    events.append(&[event(later(3))]).await.expect("no error");
    let after = listed.last().map(|record| record.id);
    assert_eq!(events.list(&all, after, 10).await.expect("no error").len(), 1, "no number is assigned twice");
}
