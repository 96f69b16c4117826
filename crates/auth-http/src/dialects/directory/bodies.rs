//! The request and response bodies, with exactly the members of the dialect's document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use auth_domain::model;
use auth_domain::model::{InvalidRoles, ROLES_MAX, Role, UserId};
use auth_domain::use_cases::{Register, UpdateUser};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use uuid::fmt::Hyphenated;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{
    Documented, EmailField, Field, Member, MinPasswordLength, NewPasswordField, Request, TextField,
    UsernameField, not_null, optional, string, texts,
};

/// Parses `{user_id}`.
///
/// # Errors
/// [`Failure::UnknownUser`] for a malformed id, as for the id of an unknown user.
pub(super) fn user_id(request: &Request) -> Result<UserId, Failure> {
    let id: Result<Hyphenated, _> = request.path_part("user_id").parse();
    id.map(|id| UserId(id.into_uuid())).map_err(|_| Failure::UnknownUser)
}

/// The user to create.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = MinPasswordLength)]
pub(super) struct Registration {
    username: UsernameField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
    email: EmailField,
}

impl Registration {
    pub(super) fn into_command(self, context: &Context) -> Result<Register, Failure> {
        let password = self.password.accept(context.terms.min_password_length)?;
        context.registration(Some(self.username.into_value()?), Some(self.email.into_value()?), password)
    }
}

/// The changes to a user. A member that is absent stays as it is.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = MinPasswordLength)]
pub(super) struct UserChange {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    username: Option<UsernameField>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: Option<NewPasswordField>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    email: Option<EmailField>,
}

impl UserChange {
    pub(super) fn into_command(self, context: &Context) -> Result<UpdateUser, Failure> {
        let mut command = UpdateUser::new();
        command.username = optional(self.username)?;
        command.password =
            self.password.map(|password| password.accept(context.terms.min_password_length)).transpose()?;
        command.email = optional(self.email)?;
        Ok(command)
    }
}

/// All roles that the user has afterwards.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct RoleAssignment {
    pub(super) roles: RolesField,
}

type RolesField = Field<model::Roles>;

impl Member for model::Roles {
    fn read(value: &Value) -> Result<Self, String> {
        let names = texts(value).ok_or("must be an array of strings")?;
        if names.is_empty() {
            return Err("must not be empty".to_owned());
        }
        if names.len() > ROLES_MAX {
            return Err(InvalidRoles::TooMany.to_string());
        }
        let roles: Result<Vec<_>, _> = names.into_iter().map(Role::parse).collect();
        let roles = roles.map_err(|error| format!("each {error}"))?;
        Self::new(roles).map_err(|error| error.to_string())
    }
}

impl Documented for model::Roles {
    fn schema() -> Schema {
        ArrayBuilder::new()
            .items(Ref::from_schema_name("RoleName"))
            .description(Some("The names of all roles that the user has afterwards."))
            .min_items(Some(1))
            .max_items(Some(ROLES_MAX))
            .into()
    }

    fn referenced(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let name = string()
            .description(Some(
                "The name of a role: 1 to 64 of `a`-`z`, `0`-`9`, `_`, `-` and `.`, beginning with a letter.",
            ))
            .pattern(Some("^[a-z][a-z0-9_.-]{0,63}$"));
        schemas.push(("RoleName".to_owned(), Schema::from(name).into()));
    }
}

/// The token that renews itself.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct Renewal {
    /// The current token, also after it has expired.
    pub(super) refresh_token: TextField,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(super) struct User<'a> {
    /// The id, a UUID of version 7. It never changes.
    #[schema(format = "uuid")]
    id: String,
    /// The username as typed. `null` if the user has none.
    #[schema(required)]
    username: Option<&'a str>,
    /// The e-mail address as typed. `null` if the user has none.
    #[schema(required)]
    email: Option<&'a str>,
    /// The time of the registration.
    #[schema(format = "date-time")]
    created_at: String,
}

impl<'a> User<'a> {
    pub(super) fn of(user: &'a model::User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username(),
            email: user.email(),
            created_at: user.created_at.to_string(),
        }
    }
}

/// The roles of the user.
#[derive(Serialize, ToSchema)]
#[schema(as = AssignedRoles)]
pub(super) struct Roles<'a> {
    /// The names in alphabetical order.
    roles: Vec<&'a str>,
}

impl<'a> Roles<'a> {
    /// The roles in alphabetical order.
    pub(super) fn of(user: &'a model::User) -> Self {
        Self { roles: user.roles.iter().map(model::Role::as_str).collect() }
    }
}

/// The token of the session.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedToken)]
pub(super) struct Token<'a> {
    /// A JWT: the access token, which also renews itself.
    pub(super) token: &'a str,
}

/// Why the request failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
pub(super) struct Error<'a> {
    /// A sentence for people. Programs use the status.
    pub(super) error: Cow<'static, str>,
    /// The errors by member. Absent if the failure does not concern members.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) details: BTreeMap<&'a str, Vec<&'a str>>,
}
