//! The commands, results and errors of [`UseCases`](crate::UseCases).
//!
//! Each file defines one method of `UseCases`, the command it takes, its result and its error.
//!
//! A command has a constructor with its required members, and a method `with_..` for each other one. A new member is
//! therefore no breaking change:
//!
//! ```
//! # use auth_domain::{model::{DisplayName, Identifiers, Password}, use_cases::Register};
//! # fn example(identifiers: Identifiers, password: Password, name: DisplayName) -> Register {
//! Register::new(identifiers, password).with_display_name(name)
//! # }
//! ```
//!
//! A struct literal does not compile in another crate:
//!
//! ```compile_fail,E0639
//! # use auth_domain::{model::Client, use_cases::RefreshSession};
//! # fn example<'a>(client: &'a Client, token: &'a str) -> RefreshSession<'a> {
//! RefreshSession { client, token }
//! # }
//! ```

mod attempts;
mod audit_entry;
mod authenticate;
mod authenticate_api_key;
mod authority;
mod change_password;
mod create_api_key;
mod delete_user;
mod find_user;
mod grant;
mod identity;
mod import_users;
mod list_api_keys;
mod list_audit_events;
mod list_users;
mod log_in;
mod log_out;
mod log_out_bearer;
mod purge_attempts;
mod purge_audit_events;
mod purge_sessions;
mod refresh_session;
mod register;
mod require_role;
mod revoke_api_key;
mod set_roles;
mod set_user_status;
mod update_user;
mod verify_password;

#[cfg(test)]
pub(crate) mod fixture;

pub use authenticate::{AuthenticateError, VerifiedToken};
pub use authenticate_api_key::AuthenticateApiKeyError;
pub use authority::PrivilegedUser;
pub use change_password::{ChangePassword, ChangePasswordError};
pub use create_api_key::{CreateApiKey, CreatedApiKey};
pub use delete_user::DeleteUserError;
pub use grant::TokenGrant;
pub use identity::Identity;
pub use import_users::{ImportSuccess, ImportUser, ImportUserError};
pub use list_users::{MAX_PAGE, UserPage};
pub use log_in::{LogIn, LogInError};
pub use log_out::LogOut;
pub use log_out_bearer::{LogOutBearer, LogOutBearerError};
pub use refresh_session::{RefreshSession, RefreshSessionError};
pub use register::{Register, RegisterError};
pub use require_role::MissingRole;
pub use update_user::{UpdateUser, UpdateUserError};
