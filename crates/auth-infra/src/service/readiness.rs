//! Whether a service can answer requests.

use std::time::Duration;

use auth_domain::ports::PortError;
use thiserror::Error;

/// Why a service cannot answer requests. The text is for the operator's log: the public learns only that it is so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotReady {
    /// The store has been unavailable since the start.
    #[error("the schema is not up to date")]
    Schema,
    /// The clock of this machine was set back, or those of other nodes are ahead. Tokens would get wrong times.
    #[error("the clock is {} s behind a stored time: compare the clocks of all nodes", .0.as_secs())]
    Clock(Duration),
    /// A background task has panicked and starts again shortly, or its runtime has ended.
    #[error("the background task {0} does not run")]
    Task(&'static str),
    /// The store does not answer in time, accepts no writes or has another schema.
    #[error("the store cannot serve")]
    Store(#[from] PortError),
}
