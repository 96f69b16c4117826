//! The suite that shows that an adapter keeps the contract of its port: this crate's own in memory, those of
//! `auth-infra`, and yours.
//!
//! Each case is a sentence that a port promises with MUST. [`conformance_tests!`](crate::conformance_tests) makes one
//! test of each, so that none can be forgotten, now or when the suite grows:
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
//! use auth_domain::testing::{MemoryStore, PlainHasher}; // your adapters here
//!
//! /// One fresh, empty store. Whatever it needs to live, such as a folder or a database to be dropped at the end,
//! /// is another member.
//! struct Fresh {
//!     store: MemoryStore,
//! }
//!
//! #[async_trait]
//! impl StoreUnderTest for Fresh {
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
//!         self.store.verify_email(user); // for a database: UPDATE .. SET email_verified = true WHERE id = ..
//!     }
//! }
//!
//! async fn fresh_store() -> Fresh {
//!     Fresh { store: MemoryStore::new() }
//! }
//!
//! async fn hasher() -> Arc<dyn PasswordHasher> {
//!     Arc::new(PlainHasher::new())
//! }
//!
//! auth_domain::conformance_tests! { stores: fresh_store }
//! auth_domain::conformance_tests! { password_hasher: hasher }
//! ```
//!
//! The crate that calls the macro needs tokio with the features `macros` and `rt-multi-thread` among its
//! dev-dependencies. With another runtime, walk over [`STORE_CASES`] and the other lists, each case with a subject
//! of its own:
//!
//! ```
//! use auth_domain::conformance::STORE_CASES;
//! use auth_domain::testing::MemoryStore;
//!
//! # fn block_on(future: impl Future<Output = ()>) {
//! #     tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future);
//! # }
//! for case in STORE_CASES {
//!     println!("{case}");
//!     let fresh = MemoryStore::new();
//!     block_on(case.run(&fresh));
//! }
//! ```
//!
//! # What a case may count on
//!
//! - **A store is fresh**: empty and used by no other case. Cases list, purge and count what is there.
//! - **A store has at least two connections**, if it has connections at all: the cases about concurrency start all
//!   their calls at once, from one task. They meet wherever the adapter awaits something, so that the database sees
//!   them at the same time.
//!
//! A case fails by a panic that says what was promised. Faults, too, are failures: no case makes an adapter's
//! database go away.
#![expect(clippy::expect_used, reason = "a panic is how a case fails")]

mod list;
mod macros;

mod access_tokens;
mod api_keys;
mod attempt_counts;
mod attempt_guesses;
mod audit_events;
mod case;
mod clock;
mod errors;
mod fixture;
mod password_hasher;
mod recent_users;
mod revocation_feed;
mod secure_random;
mod session_cap;
mod session_ends;
mod session_members;
mod session_opening;
mod session_races;
mod session_refresh;
mod under_test;
mod user_changes;
mod user_imports;
mod user_lists;
mod user_members;
mod user_name_races;
mod user_names;
mod user_numbers;
mod user_passwords;
mod user_sessions;

use crate::ports::{AttemptLimiter, Clock, PasswordHasher, SecureRandom};

pub use case::{Case, CaseFuture};
pub use under_test::{AccessTokenCodecs, StoreUnderTest};

#[doc(hidden)]
pub use case::{Subject, find_case};

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

/// The cases of [`Clock`].
pub const CLOCK_CASES: &[Case<dyn Clock>] =
    crate::__conformance_cases! { clock => crate::__conformance_list [] };

/// The cases of [`SecureRandom`].
pub const SECURE_RANDOM_CASES: &[Case<dyn SecureRandom>] =
    crate::__conformance_cases! { secure_random => crate::__conformance_list [] };
