//! A store that never awaits: a mutex around each call makes it correct, and each fault breaks one call.

mod sessions;
mod tables;
mod users;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use auth_domain::conformance::{Case, STORE_CASES, StoreUnderTest};
use auth_domain::model::{
    ApiKey, ApiKeyId, AuditEvent, AuditFilter, AuditId, AuditRecord, IdentifierKey, LoginRecord, NewApiKey,
    SecretDigest, SessionId, Timestamp, User, UserId,
};
use auth_domain::ports::{
    ApiKeyRepository, AuditRepository, PortError, RevocationFeed, SessionRepository, UserRepository,
};
use auth_domain::records::RecordStore;

use crate::{case, failure};
use tables::Tables;

/// A call that a fault leaves without the mutex, so that it reads and writes under separate locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Register,
    Import,
    Update,
    ChangePassword,
    UpgradePasswordHash,
    SetStatus,
    SetRoles,
    Delete,
    Open,
    Refresh,
    End,
    EndByFamily,
    Purge,
    InsertKey,
    RevokeKey,
    MarkKeyUsed,
    Append,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Unlocked(Call),
    ListsUsersByText,
    ListsEventsByText,
    ListsKeysById,
    LimitsBeforeItFilters,
    FoldsAccents,
    FindsByTheFirstDigit,
    FindsExternalIdsByPrefix,
    RemembersLogins,
    CachesWhatItReadBefore,
    FindsTheFirstSessionOfTheUser,
    RefreshesWithTheFirstUser,
    EndsTheNextSessionToo,
    ForgetsPurgedSessions,
    ImportsTheFirst200,
}

use Fault::Unlocked;

/// Each fault with the cases that must fail for it.
pub(crate) const DETECTED_BY: &[(Fault, &[&str])] = &[
    (
        Unlocked(Call::Register),
        &[
            "user_numbers::concurrent_registrations_get_different_numbers",
            "user_name_races::one_of_50_registrations_of_one_name_succeeds",
            "user_name_races::one_of_6_registrations_with_crossed_names_succeeds",
            "duplicate_races::one_of_8_users_with_one_id_is_stored",
        ],
    ),
    (
        Unlocked(Call::Import),
        &[
            "user_imports::concurrent_imports_store_each_user_once",
            "user_imports::concurrent_imports_store_each_external_id_once",
            "user_name_races::one_of_import_and_change_to_one_name_succeeds",
        ],
    ),
    (
        Unlocked(Call::Update),
        &[
            "user_name_races::one_of_20_changes_to_one_name_succeeds",
            "user_name_races::one_of_2_changes_to_crossed_names_succeeds",
            "user_change_races::update_keeps_every_concurrent_change",
        ],
    ),
    (
        Unlocked(Call::ChangePassword),
        &[
            "user_passwords::one_of_20_changes_of_one_version_succeeds",
            "user_change_races::status_change_keeps_every_concurrent_change",
        ],
    ),
    (Unlocked(Call::UpgradePasswordHash), &["user_passwords::one_of_20_hash_upgrades_succeeds"]),
    (
        Unlocked(Call::SetStatus),
        &[
            "user_change_races::status_change_keeps_every_concurrent_change",
            "session_opening::concurrent_suspension_leaves_no_live_session",
        ],
    ),
    (
        Unlocked(Call::SetRoles),
        &[
            "user_change_races::role_change_keeps_every_concurrent_change",
            "user_change_races::change_during_a_deletion_restores_no_user",
        ],
    ),
    (Unlocked(Call::Delete), &["user_changes::one_of_10_deletions_of_one_user_succeeds"]),
    (
        Unlocked(Call::Open),
        &[
            "session_cap::concurrently_opened_sessions_respect_the_limit",
            "session_opening::concurrent_password_change_leaves_no_live_session",
            "duplicate_races::one_of_8_sessions_with_one_id_is_stored",
            "duplicate_races::one_of_8_sessions_with_one_family_is_stored",
        ],
    ),
    (
        Unlocked(Call::Refresh),
        &[
            "session_races::one_of_24_attempts_with_one_credential_rotates",
            "session_races::one_of_12_replays_ends_the_session",
            "session_races::session_ended_during_a_refresh_is_over",
            "session_races::password_update_during_a_refresh_ends_the_session",
            "session_races::role_change_during_a_refresh_ends_the_session",
            "session_races::session_superseded_during_a_refresh_is_over",
        ],
    ),
    (Unlocked(Call::End), &["session_ends::one_of_12_ends_of_one_session_succeeds"]),
    (Unlocked(Call::EndByFamily), &["session_races::session_ended_by_family_during_a_refresh_is_over"]),
    (
        Unlocked(Call::Purge),
        &[
            "session_purge_races::session_refreshed_during_a_purge_is_kept",
            "session_purge_races::credential_consumed_during_a_purge_is_kept",
        ],
    ),
    (Unlocked(Call::InsertKey), &["duplicate_races::one_of_8_api_keys_with_one_id_or_digest_is_stored"]),
    (
        Unlocked(Call::RevokeKey),
        &[
            "api_keys::one_of_10_revocations_of_one_key_succeeds",
            "api_keys::key_revoked_while_it_is_used_stays_revoked",
        ],
    ),
    (
        Unlocked(Call::MarkKeyUsed),
        &[
            "api_keys::latest_of_concurrent_times_of_use_is_kept",
            "api_keys::key_revoked_while_it_is_used_stays_revoked",
        ],
    ),
    (Unlocked(Call::Append), &["audit_events::reader_misses_no_event_of_concurrent_writers"]),
    (Fault::ListsUsersByText, &["user_lists::pages_of_12_users_are_in_the_order_of_their_numbers"]),
    (Fault::ListsEventsByText, &["audit_events::pages_of_12_events_are_in_the_order_of_their_numbers"]),
    (Fault::LimitsBeforeItFilters, &["audit_events::pages_of_12_events_are_in_the_order_of_their_numbers"]),
    (Fault::ListsKeysById, &["api_keys::each_of_12_keys_is_listed_found_and_changed_on_its_own"]),
    (Fault::FoldsAccents, &["user_names::accents_distinguish_names"]),
    (Fault::FindsByTheFirstDigit, &["user_reads::each_of_12_users_is_found_by_every_method"]),
    (Fault::FindsExternalIdsByPrefix, &["user_reads::each_of_12_imported_users_is_found_by_every_method"]),
    (Fault::RemembersLogins, &["user_reads::changed_user_is_returned_by_every_method"]),
    (Fault::CachesWhatItReadBefore, &["user_reads::read_during_a_change_returns_no_old_user_later"]),
    (Fault::FindsTheFirstSessionOfTheUser, &["session_reads::each_of_12_sessions_is_found_with_its_user"]),
    (Fault::RefreshesWithTheFirstUser, &["session_reads::each_of_12_sessions_is_refreshed_on_its_own"]),
    (Fault::ForgetsPurgedSessions, &["revocation_feed::ended_session_is_not_live_after_its_purge"]),
    (Fault::ImportsTheFirst200, &["user_imports::batch_of_300_users_is_stored"]),
    (Fault::EndsTheNextSessionToo, &["session_reads::each_of_12_sessions_is_ended_on_its_own"]),
];

/// What the faults remember of earlier calls.
#[derive(Default)]
struct Memory {
    opened: Vec<(SessionId, UserId)>,
    logins: HashMap<IdentifierKey, Option<LoginRecord>>,
    recent: HashMap<UserId, User>,
}

/// A store with one fault.
pub(crate) struct SynchronousStore {
    records: RecordStore<Tables>,
    fault: Fault,
    serial: Mutex<()>,
    memory: Mutex<Memory>,
}

impl SynchronousStore {
    pub(crate) fn by(fault: Fault) -> Self {
        let records = RecordStore::new(Tables::default());
        Self { records, fault, serial: Mutex::default(), memory: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no panic under the lock")
    }

    /// Runs a call of the records, which never awaits.
    fn run<T>(&self, call: Call, future: impl Future<Output = T>) -> T {
        let is_locked = !self.is(Unlocked(call));
        let _serial = is_locked.then(|| self.serial.lock().expect("no panic under the lock"));
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("the records never await"),
        }
    }
}

#[async_trait]
impl ApiKeyRepository for SynchronousStore {
    async fn insert(&self, key: &NewApiKey) -> Result<(), PortError> {
        self.run(Call::InsertKey, self.records.insert(key))
    }

    async fn find(&self, digest: &SecretDigest) -> Result<Option<ApiKey>, PortError> {
        self.run(Call::Other, ApiKeyRepository::find(&self.records, digest))
    }

    async fn list(&self) -> Result<Vec<ApiKey>, PortError> {
        let mut keys = self.run(Call::Other, ApiKeyRepository::list(&self.records))?;
        if self.is(Fault::ListsKeysById) {
            keys.sort_by_key(|key| key.id);
        }
        Ok(keys)
    }

    async fn revoke(&self, key: ApiKeyId, now: Timestamp) -> Result<bool, PortError> {
        self.run(Call::RevokeKey, self.records.revoke(key, now))
    }

    async fn mark_used(&self, key: ApiKeyId, now: Timestamp) -> Result<(), PortError> {
        self.run(Call::MarkKeyUsed, self.records.mark_used(key, now))
    }
}

#[async_trait]
impl AuditRepository for SynchronousStore {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        self.run(Call::Append, self.records.append(events))
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        if self.is(Fault::LimitsBeforeItFilters) {
            let any = AuditFilter::default();
            let records = self.run(Call::Other, AuditRepository::list(&self.records, &any, after, limit))?;
            return Ok(records.into_iter().filter(|record| filter.matches(&record.event)).collect());
        }
        let mut records =
            self.run(Call::Other, AuditRepository::list(&self.records, filter, after, limit))?;
        if self.is(Fault::ListsEventsByText) {
            records.sort_by_key(|record| record.id.0.to_string());
        }
        Ok(records)
    }

    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
        self.run(Call::Other, self.records.latest(filter, limit))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError> {
        self.run(Call::Other, AuditRepository::purge(&self.records, before, limit))
    }
}

#[async_trait]
impl StoreUnderTest for SynchronousStore {
    fn users(&self) -> &dyn UserRepository {
        self
    }

    fn sessions(&self) -> &dyn SessionRepository {
        self
    }

    fn revocations(&self) -> &dyn RevocationFeed {
        self
    }

    fn api_keys(&self) -> &dyn ApiKeyRepository {
        self
    }

    fn audit_events(&self) -> &dyn AuditRepository {
        self
    }

    async fn verify_email(&self, user: UserId) {
        self.run(Call::Other, self.records.verify_email(user)).expect("no error");
    }
}

fn detects(case: &Case<dyn StoreUnderTest>, fault: Fault) -> bool {
    failure(case, &SynchronousStore::by(fault)).is_some()
}

#[test]
fn correct_store_passes_every_case() {
    for case in STORE_CASES {
        assert_eq!(failure(case, &SynchronousStore::by(Fault::None)), None, "{case}");
    }
}

#[test]
fn faulty_store_fails_its_cases() {
    for (fault, names) in DETECTED_BY {
        for name in *names {
            // A busy machine may run the two threads of a race one after the other.
            let detected = (0..5).any(|_| detects(case(name), *fault));
            assert!(detected, "{name} must fail for {fault:?}");
        }
    }
}

/// A race shows in every run, not in some.
#[test]
#[ignore = "takes minutes; run it when the concurrent cases change"]
fn every_run_detects_a_race() {
    let races = DETECTED_BY.iter().filter(|(fault, _)| matches!(fault, Unlocked(_)));
    let missed: Vec<_> = races
        .flat_map(|(fault, names)| names.iter().map(move |name| (*fault, *name)))
        .map(|(fault, name)| (fault, name, (0..20).filter(|_| !detects(case(name), fault)).count()))
        .filter(|(.., missed)| *missed > 0)
        .collect();
    assert_eq!(missed, [], "races that some of 20 runs have missed");
}
