//! A cheap HTTP/1.1 client, because it shares the machine with the server. Connections stay open and requests are
//! prepared as bytes. Of an answer it reads only the status, the length and the body.
//!
//! - [`closed`](closed::closed): each connection sends its next request after the previous answer. It measures the
//!   throughput.
//! - [`open`](open::open): requests are due at fixed times, even if earlier requests are not answered. A time counts from
//!   the moment when the request was due. The delays that a stalled service causes are therefore counted (coordinated
//!   omission). It measures the waiting time of independent clients.

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

/// The requests of one connection and the check of their answers.
pub trait LoadClient: Send + 'static {
    /// The whole next request.
    fn request(&mut self) -> &[u8];

    /// Takes the answer to the last request and returns whether it is expected. Another answer fails the run, unless the
    /// load allows it.
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
