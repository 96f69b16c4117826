//! What a connection is doing, as its requests and its stream see it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use actix_web::HttpRequest;
use tokio::time::Instant;

use super::admission::Admission;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has sent no request yet. actix has a deadline for the first head.
    New,
    /// It waits for the next request, since this time.
    Idle(Instant),
    /// A request is processed, or its answer is being written.
    Active,
    /// A request is active and waits for its body.
    ReceivingBody,
}

/// The state that a connection's stream shares with the connection's requests.
#[derive(Debug)]
pub(super) struct ConnectionState {
    phase: Cell<Phase>,
    /// The task of the stream, if the stream has held back a read.
    held_reader: RefCell<Option<Waker>>,
    /// Counts the connection against the limits until it is closed.
    admission: Option<Admission>,
}

impl ConnectionState {
    pub(super) fn new(phase: Phase, admission: Option<Admission>) -> Rc<Self> {
        Rc::new(Self { phase: Cell::new(phase), held_reader: RefCell::new(None), admission })
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.release_reader();
    }

    /// Notes that the stream has not registered a read, so that the next change has to wake its task.
    pub(super) fn hold_reader(&self, waker: &Waker) {
        self.held_reader.replace(Some(waker.clone()));
    }

    pub(super) fn release_reader(&self) {
        if let Some(waker) = self.held_reader.take() {
            waker.wake();
        }
    }

    fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.conn_data::<Rc<Self>>().cloned()
    }
}

/// Whether the connection exceeds the limits. It then has one request, which must be a health check.
pub(crate) fn is_surplus(request: &HttpRequest) -> bool {
    let state = request.conn_data::<Rc<ConnectionState>>();
    state.is_some_and(|state| state.admission.as_ref().is_some_and(Admission::is_surplus))
}

/// Keeps a connection from counting as idle, until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct ActiveRequest(Option<Rc<ConnectionState>>);

impl ActiveRequest {
    /// Marks a request as active. A request without a connection, as in tests, needs no mark.
    pub(crate) fn mark(request: &HttpRequest) -> Self {
        Self::on(ConnectionState::of(request))
    }

    pub(super) fn on(state: Option<Rc<ConnectionState>>) -> Self {
        if let Some(state) = &state {
            state.enter(Phase::Active);
        }
        Self(state)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            state.enter(Phase::Idle(Instant::now()));
        }
    }
}

/// Lets the body of a request arrive, until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct BodyReception(Option<Rc<ConnectionState>>);

impl BodyReception {
    /// Starts to receive the body of an active request.
    pub(crate) fn start(request: &HttpRequest) -> Self {
        Self::on(ConnectionState::of(request))
    }

    pub(super) fn on(state: Option<Rc<ConnectionState>>) -> Self {
        if let Some(state) = &state {
            state.enter(Phase::ReceivingBody);
        }
        Self(state)
    }
}

impl Drop for BodyReception {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            state.enter(Phase::Active);
        }
    }
}
