//! Conformance cases: a name, the tested line of a contract, and an async function.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;

use super::concurrency::{BlockOn, park_until_ready, with_threads_of};
use super::contract::{self, Must};
use super::{AccessTokenCodecs, StoreUnderTest};

/// The future of a running case. It completes when the case passes and panics when the case fails.
pub type CaseFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One conformance case for adapters of type `A`, such as `dyn PasswordHasher`.
pub struct Case<A: ?Sized> {
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    pub(super) port: &'static str,
    pub(super) must: &'static str,
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

    /// The port whose contract the case tests, such as `SessionRepository`.
    #[must_use]
    pub fn port(&self) -> &'static str {
        self.port
    }

    /// The tested line of the contract and where it is documented.
    ///
    /// # Panics
    /// When the documentation of the port has no such line, which a test of this crate excludes.
    #[must_use]
    pub fn must(&self) -> Must {
        contract::find(self.port, self.must).expect("the contract has a line that begins like this")
    }
}

impl<A: ?Sized + Sync> Case<A> {
    /// Runs the case against a fresh adapter whose futures need no async runtime, or one that is available on every thread.
    ///
    /// Concurrent calls run on one thread each. The thread that polls the future waits for them, so it must not be one of
    /// those that drive the adapter's own tasks. The case first prints [`must`](Self::must), which a test harness shows if the
    /// case fails.
    ///
    /// # Panics
    /// The future panics when the adapter breaks the promise that the case tests. The message contains [`must`](Self::must).
    pub fn run<'a>(&self, adapter: &'a A) -> CaseFuture<'a> {
        self.run_on(adapter, park_until_ready)
    }

    /// As [`run`](Self::run), for an adapter whose futures need a runtime. `block_on` runs a future on the current thread
    /// within that runtime, like `block_on` of a tokio `Handle`.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_on<'a>(
        &self,
        adapter: &'a A,
        block_on: impl Fn(CaseFuture<'_>) + Send + Sync + 'static,
    ) -> CaseFuture<'a> {
        let (block_on, must, case): (BlockOn, _, _) = (Arc::new(block_on), self.must(), self.to_string());
        let run = self.run;
        Box::pin(async move {
            #[expect(
                clippy::print_stdout,
                reason = "a test harness shows it before the panic of a case that fails"
            )]
            {
                println!("{must}\ncase: {case}\n");
            }
            let mut running = run(adapter);
            poll_fn(|context| {
                let polled = || with_threads_of(&block_on, || running.as_mut().poll(context));
                catch_unwind(AssertUnwindSafe(polled)).unwrap_or_else(|panic| {
                    resume_unwind(Box::new(format!("{must}\n{}", message_of(&*panic))))
                })
            })
            .await;
        })
    }
}

/// The message of a panic, if it has one.
fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the panic has no text")
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
