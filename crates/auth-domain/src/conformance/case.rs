//! Conformance cases: a name, a group and an async function.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::{AccessTokenCodecs, StoreUnderTest};

/// The future of a running case. It completes when the case passes and panics when the case fails.
pub type CaseFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One conformance case for adapters of type `A`, such as `dyn PasswordHasher`.
pub struct Case<A: ?Sized> {
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    pub(super) run: for<'a> fn(&'a A) -> CaseFuture<'a>,
}

impl<A: ?Sized> Case<A> {
    /// The topic, such as `session_refresh`.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.group
    }

    /// The tested behaviour: a sentence in `snake_case`, unique within the group.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case against a fresh adapter.
    ///
    /// # Panics
    /// The future panics when the adapter breaks the promise that the case tests.
    pub fn run<'a>(&self, adapter: &'a A) -> CaseFuture<'a> {
        (self.run)(adapter)
    }
}

/// Writes `group::name`.
impl<A: ?Sized> fmt::Display for Case<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

impl<A: ?Sized> fmt::Debug for Case<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({self})")
    }
}

/// Finds a case by its group and name.
///
/// # Panics
/// When no such case exists.
#[must_use]
pub fn find_case<A: ?Sized>(cases: &'static [Case<A>], group: &str, name: &str) -> &'static Case<A> {
    cases.iter().find(|case| case.group == group && case.name == name).expect("a case with these names")
}

/// Borrows the adapter from the value that a test creates: the store itself, or the content of an `Arc`.
pub trait AsAdapter<A: ?Sized> {
    /// Borrows the adapter.
    fn as_adapter(&self) -> &A;
}

impl<S: StoreUnderTest + 'static> AsAdapter<dyn StoreUnderTest> for S {
    fn as_adapter(&self) -> &(dyn StoreUnderTest + 'static) {
        self
    }
}

impl<T: ?Sized> AsAdapter<T> for Arc<T> {
    fn as_adapter(&self) -> &T {
        self
    }
}

impl AsAdapter<Self> for AccessTokenCodecs {
    fn as_adapter(&self) -> &Self {
        self
    }
}
