//! The log-in bodies that several documents have in common.

use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::request::{PasswordField, TextField};

/// The credentials of the user to log in.
#[derive(Deserialize, ToSchema, Validate)]
#[schema(as = Credentials)]
#[validate(nest_all_fields = true)]
pub(super) struct UsernameCredentials {
    /// The username, or the e-mail address.
    pub(super) username: TextField,
    pub(super) password: PasswordField,
}

/// The credentials of the user to log in.
#[derive(Deserialize, ToSchema, Validate)]
#[schema(as = Credentials)]
#[validate(nest_all_fields = true)]
pub(super) struct EmailCredentials {
    /// The e-mail address, or the username.
    pub(super) email: TextField,
    pub(super) password: PasswordField,
}
