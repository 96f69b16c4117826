//! A test suite for adapters: each case tests one promise of a port.
//!
//! The documentation of each port trait in [`ports`](crate::ports) lists its promises as lines with MUST. A case
//! tests one such line, and its name states the behaviour. The in-memory adapters of
//! [`testing`](crate::testing) and the adapters of `auth-infra` run the same cases.
//!
//! # What to implement
//!
//! 1. Implement the port traits. Users, sessions, revocations, API keys and audit events form one store. Its five ports
//!    are tested together, because most promises span several of them.
//! 2. For a store, implement [`StoreUnderTest`] for a type that owns one fresh store and its resources, such as a
//!    temporary folder or a database. The type releases them when it is dropped.
//! 3. For any other port, write a function that returns the adapter in an `Arc`.
//!    For [`AccessTokenCodec`](crate::ports::AccessTokenCodec), return [`AccessTokenCodecs`]. For
//!    [`AuditLog`](crate::ports::AuditLog), implement [`AuditLogUnderTest`].
//! 4. Call [`conformance_tests!`](crate::conformance_tests) once for each suite, in an integration test.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use auth_domain::conformance::StoreUnderTest;
//! use auth_domain::model::UserId;
//! use auth_domain::ports::{
//!     ApiKeyRepository, AuditRepository, PasswordHasher, SessionRepository, RevocationFeed, UserRepository,
//! };
//! use auth_domain::testing::{MemoryStore, PlainHasher}; // replace these with your adapters
//!
//! /// One fresh store. Add its resources, for example a `TempDir`, as further fields.
//! struct TestStore {
//!     store: MemoryStore,
//! }
//!
//! #[async_trait]
//! impl StoreUnderTest for TestStore {
//!     fn users(&self) -> &dyn UserRepository {
//!         &self.store
//!     }
//!     fn sessions(&self) -> &dyn SessionRepository {
//!         &self.store
//!     }
//!     fn revocations(&self) -> &dyn RevocationFeed {
//!         &self.store
//!     }
//!     fn api_keys(&self) -> &dyn ApiKeyRepository {
//!         &self.store
//!     }
//!     fn audit_events(&self) -> &dyn AuditRepository {
//!         &self.store
//!     }
//!     async fn verify_email(&self, user: UserId) {
//!         self.store.verify_email(user); // in SQL: UPDATE .. SET email_verified = true WHERE id = ..
//!     }
//!     // A store that keeps its data also implements `reopen`.
//! }
//!
//! async fn test_store() -> TestStore {
//!     TestStore { store: MemoryStore::new() }
//! }
//!
//! async fn hasher() -> Arc<dyn PasswordHasher> {
//!     Arc::new(PlainHasher::new())
//! }
//!
//! auth_domain::conformance_tests! { stores: test_store }
//! auth_domain::conformance_tests! { password_hasher: hasher }
//! ```
//!
//! # How to run it
//!
//! Enable the feature `conformance` of `auth-domain` among the dev-dependencies. The macro creates one tokio test for each
//! case, named `group::case`. A new case of a later version becomes a test without any change in your crate.
//!
//! ```text
//! cargo test --test store_conformance                      # all cases
//! cargo test --test store_conformance session_refresh      # one group
//! ```
//!
//! The calling crate needs tokio with the features `macros` and `rt-multi-thread` as a dev-dependency. With another
//! runtime, iterate over [`STORE_CASES`] or one of the other lists, and give each case a fresh adapter:
//!
//! ```
//! use auth_domain::conformance::STORE_CASES;
//! use auth_domain::testing::MemoryStore;
//!
//! # fn block_on(future: impl Future<Output = ()>) {
//! #     tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future);
//! # }
//! for case in STORE_CASES {
//!     let store = MemoryStore::new();
//!     block_on(case.run(&store)); // prints the contract that the case tests
//! }
//! ```
//!
//! [`Case::run`] suits an adapter that is synchronous, or whose runtime is available on every thread.
//! [`Case::run_on`] takes the `block_on` of any other runtime.
//!
//! # What a case requires
//!
//! - **A fresh store.** It is empty, and no other case uses it. Cases list, count and purge all rows.
//! - **Threads.** Concurrent calls run on one thread each and start at the same moment, so that a mutex or a synchronous
//!   database is raced too. Every second time they run in one task, where they alternate at each `await`.
//! - **A thread that may block.** The thread that polls a case waits for those threads. The tests of
//!   [`conformance_tests!`](crate::conformance_tests) poll it outside of tokio's worker threads.
//! - **At least two connections**, if the store uses connections. A case makes up to 200 calls at once; a pool makes them
//!   wait.
//! - **A running revocation feed**, if it needs a background task.
//! - **A database that stays available.** No case disconnects it. An unexpected [`PortError`](crate::ports::PortError)
//!   fails the case with the message "no error".
//! - **[`StoreUnderTest::reopen`]**, if the data outlives the process. Without it, the cases about durability check nothing.
//!
//! # What a failing case means
//!
//! The adapter breaks a promise, and a use case relies on it. The case prints the line of the contract that it tests, where
//! the line is documented, and the expectation:
//!
//! ```text
//! ---- session_races::one_of_24_attempts_with_one_credential_rotates stdout ----
//! SessionRepository MUST give exactly one of any number of concurrent attempts with one credential the verdict to rotate.
//! contract: auth_domain::ports::SessionRepository (auth-domain/src/ports/sessions.rs:41)
//! case: session_races::one_of_24_attempts_with_one_credential_rotates
//!
//! thread 'session_races::one_of_24_attempts_with_one_credential_rotates' panicked at session_races.rs:41:9:
//! assertion `left == right` failed: exactly one attempt rotates in round 1
//!   left: 2
//!  right: 1
//! ```
//!
//! A program reads the same from [`Case::must`]. A case about concurrency that fails only sometimes still shows a real race:
//! a check and its write are not one atomic step. Such a case repeats its calls for a tenth of a second, or 20 times if that
//! takes longer. It cannot fail for a correct adapter. A machine with several free processors shows more races.
//!
//! # What the suite does not test
//!
//! A gap between two locks in memory lasts for nanoseconds, and most runs miss it. Of 49 such faults of a store over a mutex,
//! the suite found three, and not in each run. With `std::thread::yield_now` between the two locks, it found 42 of 51. So hold
//! one lock during a whole call. An adapter that takes two locks in turn needs a yield between them in its tests.
//!
//! No case looks for a reader that sees half of a change, such as the new roles with a session that is still live.
//!
//! Promises about a second process, a lost connection or the passing of time need tests of the adapter's own. A test of this
//! crate lists the lines without a case, each with the reason. `tests/broken_adapters` shows that each case fails for at least
//! one deliberately faulty adapter.
#![expect(clippy::expect_used, reason = "a case fails by a panic")]

mod list;
mod macros;

mod access_tokens;
mod api_keys;
mod attempt_counts;
mod attempt_guesses;
mod audit_events;
mod audit_log;
mod case;
mod clock;
mod concurrency;
mod contract;
mod duplicate_races;
mod durability;
mod errors;
mod fixture;
mod password_hasher;
mod recent_users;
mod revocation_feed;
mod secure_random;
mod session_cap;
mod session_chain;
mod session_ends;
mod session_members;
mod session_opening;
mod session_purge_races;
mod session_races;
mod session_reads;
mod session_refresh;
mod under_test;
mod user_change;
mod user_change_races;
mod user_changes;
mod user_imports;
mod user_lists;
mod user_members;
mod user_name_races;
mod user_names;
mod user_numbers;
mod user_passwords;
mod user_reads;
mod user_sessions;

use crate::ports::{AttemptLimiter, Clock, PasswordHasher, SecureRandom};

pub use case::{Case, CaseFuture};
pub use contract::Must;
pub use under_test::{AccessTokenCodecs, AuditLogUnderTest, StoreUnderTest};

#[doc(hidden)]
pub use case::{AsAdapter, find_case};

/// The cases of [`UserRepository`](crate::ports::UserRepository),
/// [`SessionRepository`](crate::ports::SessionRepository), [`RevocationFeed`](crate::ports::RevocationFeed),
/// [`ApiKeyRepository`](crate::ports::ApiKeyRepository) and [`AuditRepository`](crate::ports::AuditRepository).
pub const STORE_CASES: &[Case<dyn StoreUnderTest>] =
    crate::__conformance_cases! { stores => crate::__conformance_list [] };

/// The cases of [`PasswordHasher`].
pub const PASSWORD_HASHER_CASES: &[Case<dyn PasswordHasher>] =
    crate::__conformance_cases! { password_hasher => crate::__conformance_list [] };

/// The cases of [`AccessTokenCodec`](crate::ports::AccessTokenCodec).
pub const ACCESS_TOKEN_CODEC_CASES: &[Case<AccessTokenCodecs>] =
    crate::__conformance_cases! { access_token_codec => crate::__conformance_list [] };

/// The cases of [`AttemptLimiter`].
pub const ATTEMPT_LIMITER_CASES: &[Case<dyn AttemptLimiter>] =
    crate::__conformance_cases! { attempt_limiter => crate::__conformance_list [] };

/// The cases of [`AuditLog`](crate::ports::AuditLog).
pub const AUDIT_LOG_CASES: &[Case<dyn AuditLogUnderTest>] =
    crate::__conformance_cases! { audit_log => crate::__conformance_list [] };

/// The cases of [`Clock`].
pub const CLOCK_CASES: &[Case<dyn Clock>] =
    crate::__conformance_cases! { clock => crate::__conformance_list [] };

/// The cases of [`SecureRandom`].
pub const SECURE_RANDOM_CASES: &[Case<dyn SecureRandom>] =
    crate::__conformance_cases! { secure_random => crate::__conformance_list [] };
