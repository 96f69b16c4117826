//! What a case is.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::{AccessTokenCodecs, StoreUnderTest};

/// A case at work: it comes to its end, or it panics.
pub type CaseFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One case of a suite, for a subject such as a store or a hasher.
pub struct Case<S: ?Sized> {
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    pub(super) run: for<'a> fn(&'a S) -> CaseFuture<'a>,
}

impl<S: ?Sized> Case<S> {
    /// What the case is about.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.group
    }

    /// What the case shows: a sentence in `snake_case`, unique within its group.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case.
    ///
    /// # Panics
    /// The future panics when the subject breaks the promise.
    pub fn run<'a>(&self, subject: &'a S) -> CaseFuture<'a> {
        (self.run)(subject)
    }
}

/// `group::name`.
impl<S: ?Sized> fmt::Display for Case<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

impl<S: ?Sized> fmt::Debug for Case<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({self})")
    }
}

/// The case with these names.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn find_case<S: ?Sized>(cases: &'static [Case<S>], group: &str, name: &str) -> &'static Case<S> {
    cases.iter().find(|case| case.group == group && case.name == name).expect("a case with these names")
}

/// What a test makes, seen as what a case examines.
pub trait Subject<S: ?Sized> {
    /// The subject.
    fn borrow(&self) -> &S;
}

impl<F: StoreUnderTest + 'static> Subject<dyn StoreUnderTest> for F {
    fn borrow(&self) -> &(dyn StoreUnderTest + 'static) {
        self
    }
}

impl<P: ?Sized> Subject<P> for Arc<P> {
    fn borrow(&self) -> &P {
        self
    }
}

impl Subject<Self> for AccessTokenCodecs {
    fn borrow(&self) -> &Self {
        self
    }
}
