//! A client that costs little, since it runs on the machine that also serves: HTTP/1.1 on connections that are kept,
//! requests that are bytes from the start, and of an answer only its status, its length and its body.
//!
//! - [`closed`](closed::closed): each connection sends its next request when the last is answered. It tells how much can
//!   be served.
//! - [`open`](open::open): requests are due at fixed times, whatever becomes of those before; a time counts from when its
//!   request was due, so that a service that stalls is not spared the requests that it kept from being sent
//!   (coordinated omission). It tells how long those wait who do not know of each other.

pub mod closed;
pub mod open;
pub mod request;
pub mod response;
pub mod stats;

pub use closed::closed;
pub use open::open;
pub use request::{get, post};
pub use response::RawResponse;
pub use stats::LoadStats;

/// What one connection says, and what it makes of the answers.
pub trait LoadClient: Send + 'static {
    /// The whole next request.
    fn request(&mut self) -> &[u8];

    /// Takes the answer to it, and says whether it is one that was expected: one other fails the run, if it is not
    /// among those that the load allows.
    fn is_expected(&mut self, response: &RawResponse<'_>) -> bool {
        response.status == 200
    }
}

/// The same request again and again, answered 200.
#[derive(Clone, Debug)]
pub struct SameRequest(pub Vec<u8>);

impl LoadClient for SameRequest {
    fn request(&mut self) -> &[u8] {
        &self.0
    }
}

/// Each of these requests in turn, again and again, all answered 200.
#[derive(Clone, Debug)]
pub struct CycledRequests {
    requests: Vec<Vec<u8>>,
    asked: usize,
}

impl CycledRequests {
    /// Beginning with the first.
    #[must_use]
    pub fn of(requests: Vec<Vec<u8>>) -> Self {
        Self { requests, asked: 0 }
    }
}

impl LoadClient for CycledRequests {
    fn request(&mut self) -> &[u8] {
        self.asked += 1;
        &self.requests[(self.asked - 1) % self.requests.len()]
    }
}
