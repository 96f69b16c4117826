//! A complete authentication service in a few lines. A builder connects the adapters of this crate to the ports of
//! [`auth_domain`]. The service also runs the work that has to run next to the requests.
//!
//! ```
//! use auth_domain::model::{Client, ClientId, RefreshStyle};
//! use auth_infra::service::Service;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let data = directory.path().join("data");
//! let client = Client::new(ClientId::from_static("web"), RefreshStyle::Rotating);
//! let service = Service::sqlite(data)                // or Service::postgres(url).keys_dir("/var/lib/auth/keys")
//!     .issuer("https://auth.example.com")
//!     .client(client)
//!     .start()
//!     .await?;
//!
//! let auth = service.auth().clone();                 // for the handlers of your requests
//! let keys = service.jwks();                         // for GET /.well-known/jwks.json
//! let is_ready = service.check_ready().await.is_ok();  // for GET /health
//! # assert!(is_ready && keys.cache_control() == "public, max-age=300");
//!
//! service.close().await;                             // after the last request
//! # Ok(())
//! # }
//! ```
//!
//! The module `web` has the usual endpoints for any web framework. The examples [`axum_service`] and [`actix_service`] are
//! complete services of at most 60 lines.
//!
//! [`start`](ServiceBuilder::start) opens the store and brings its schema up to date, opens the signing keys, and starts the
//! background tasks on the current tokio runtime:
//!
//! | task | work |
//! |---|---|
//! | `audit queue` | stores audit events in batches |
//! | `schema migration` | brings the schema up to date if the store was unavailable at the start |
//! | `revocation feed` | follows the sessions that end, so that no access token needs a query |
//! | `key reload` | reads the signing keys that another process adds or deletes, once a second |
//! | `key comparison` | warns if the nodes of one PostgreSQL database sign with different keys |
//! | `purge` | deletes expired sessions, counters and audit events, once an hour |
//!
//! A task that panics is logged as an error and starts again after a second. Until then, and after its runtime has ended,
//! [`check_ready`](Service::check_ready) names it.
//!
//! [`close`](Service::close) stops the tasks, stores the audit events that wait, and closes the store. If it is forgotten,
//! dropping the [`Service`] does the same as far as it can, and logs a warning.
//!
//! A command of an operator needs no background tasks: [`ServiceBuilder::open`] leaves them out. To replace a port, build
//! [`Ports`](auth_domain::Ports) and [`Auth`](auth_domain::Auth) yourself from the other modules of this crate.
//!
//! [`axum_service`]: https://github.com/auth-service/auth-service/blob/main/crates/auth-infra/examples/axum_service.rs
//! [`actix_service`]: https://github.com/auth-service/auth-service/blob/main/crates/auth-infra/examples/actix_service.rs

mod background;
mod builder;
mod error;
mod jwks;
mod location;
mod node_keys;
mod open;
mod readiness;
mod running;
mod schema;
mod single_process;
mod tasks;
#[cfg(feature = "web")]
pub mod web;

pub use builder::ServiceBuilder;
pub use error::StartError;
pub use jwks::Jwks;
pub use location::check_sqlite_file;
pub use open::OpenService;
pub use readiness::NotReady;
pub use running::Service;
