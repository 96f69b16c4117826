//! The usual endpoints of a service, for any web framework.
//!
//! [`Endpoints`] answers the requests to register, log in, refresh, log out and read the current user. A handler passes it the
//! caller and the body, and sends the [`Response`]:
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use auth_domain::model::Caller;
//! use auth_infra::service::web::{Credentials, Endpoints, Response};
//!
//! async fn log_in(endpoints: &Endpoints, peer: SocketAddr, body: Credentials) -> Response {
//!     endpoints.log_in(Caller::at(peer.ip()), &body).await
//! }
//! ```
//!
//! The examples [`axum_service`] and [`actix_service`] are complete programs.
//!
//! A handler with a body or an answer of its own calls the use cases of [`Auth::called_by`](auth_domain::Auth::called_by)
//! itself. It needs three things of this module:
//!
//! - [`Problem`] is the answer to each error, by its kind.
//! - [`delay_refusal`] is for each use case that verifies a password.
//! - [`bearer_token`] reads the access token of a request.
//!
//! ```
//! use auth_domain::model::{Caller, DisplayName, Password, Username};
//! use auth_domain::use_cases::Register;
//! use auth_domain::Auth;
//! use auth_infra::service::web::Problem;
//!
//! async fn register(auth: &Auth, caller: Caller, typed: [&str; 3]) -> Result<String, Problem> {
//!     let [name, display_name, password] = typed;
//!     let command = Register::new(Username::parse(name)?.into(), Password::parse(password)?)
//!         .with_display_name(DisplayName::parse(display_name)?);
//!     let user = auth.called_by(caller).register(command).await?;
//!     Ok(user.id.to_string())
//! }
//! ```
//!
//! [`axum_service`]: https://github.com/auth-service/auth-service/blob/main/crates/auth-infra/examples/axum_service.rs
//! [`actix_service`]: https://github.com/auth-service/auth-service/blob/main/crates/auth-infra/examples/actix_service.rs

mod bodies;
mod endpoints;
mod problem;
mod request;

pub use bodies::{Credentials, RefreshBody};
pub use endpoints::Endpoints;
pub use problem::Problem;
pub use request::{bearer_token, delay_refusal, stop_signal};

/// An answer with a JSON body, or with none. A framework over [`http`] 1 sends it as it is. For others, copy the status code,
/// all headers and the body.
pub type Response = http::Response<String>;
