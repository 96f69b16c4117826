//! What the paths and the bodies of requests hold.

use auth_domain::model::{
    EmailAddress, Identifiers, InvalidRoles, Password, PasswordAttempt, ROLES_MAX, Role, RoleChoice, Roles,
    UserId, Username,
};
use auth_domain::use_cases::{LogIn, RefreshSession, Register, UpdateUser};
use utoipa::ToSchema;
use uuid::fmt::Hyphenated;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{Fields, JsonObject, NullPolicy, Request};

/// `{user_id}`: what is no id is nobody's.
pub(super) fn user_id(request: &Request) -> Result<UserId, Failure> {
    let id: Result<Hyphenated, _> = request.path_part("user_id").parse();
    id.map(|id| UserId(id.into_uuid())).map_err(|_| Failure::UnknownUser)
}

/// A user to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct NewUser {
    /// Visible characters, shown as typed; upper and lower case make no difference.
    #[schema(format = "username", min_length = 1, max_length = 255)]
    username: String,
    /// Any characters.
    #[schema(format = "password", max_length = 255)]
    password: String,
    /// At most 254 bytes.
    #[schema(format = "email", max_length = 254)]
    email: String,
}

pub(super) fn register(context: &Context, body: &JsonObject) -> Result<Register, Failure> {
    let mut fields = Fields::of(body);
    let username = fields.required("username", Username::parse);
    let password = fields.required("password", |typed| Password::parse(typed, context.passwords));
    let email = fields.required("email", EmailAddress::parse);
    match (Identifiers::new(username, email), password) {
        (Some(identifiers), Some(password)) if fields.is_valid() => Ok(Register {
            identifiers,
            password,
            display_name: None,
            phone_number: None,
            roles: RoleChoice::Assigned(context.default_roles.clone()),
        }),
        _ => Err(fields.failure()),
    }
}

/// What is to be changed about a user; what is left out stays as it is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct UserChange {
    /// Visible characters, shown as typed; upper and lower case make no difference.
    #[schema(format = "username", min_length = 1, max_length = 255, required = false)]
    username: String,
    /// Any characters.
    #[schema(format = "password", max_length = 255, required = false)]
    password: String,
    /// At most 254 bytes.
    #[schema(format = "email", max_length = 254, required = false)]
    email: String,
}

pub(super) fn update_user(context: &Context, body: &JsonObject) -> Result<UpdateUser, Failure> {
    let mut fields = Fields::of(body);
    let command = UpdateUser {
        username: fields.optional("username", NullPolicy::Reject, Username::parse),
        password: fields
            .optional("password", NullPolicy::Reject, |typed| Password::parse(typed, context.passwords)),
        email: fields.optional("email", NullPolicy::Reject, EmailAddress::parse),
        ..UpdateUser::default()
    };
    if fields.is_valid() { Ok(command) } else { Err(fields.failure()) }
}

/// A role's name.
#[derive(ToSchema)]
#[schema(pattern = "^[a-z][a-z0-9_.-]{0,63}$")]
pub(super) struct RoleName(#[expect(dead_code, reason = "its schema is all that is asked of it")] String);

/// All the roles that a user is to have.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct NewRoles {
    /// Each 1 to 64 of `a`-`z`, `0`-`9`, `_`, `-` and `.`, beginning with a letter.
    #[schema(min_items = 1, max_items = 20)]
    roles: Vec<RoleName>,
}

pub(super) fn set_roles(body: &JsonObject) -> Result<Roles, Failure> {
    let mut fields = Fields::of(body);
    fields.texts("roles", roles).ok_or_else(|| fields.failure())
}

fn roles(names: Vec<&str>) -> Result<Roles, String> {
    if names.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if names.len() > ROLES_MAX {
        return Err(InvalidRoles::TooMany.to_string());
    }
    let roles: Result<Vec<_>, _> = names.into_iter().map(Role::parse).collect();
    let roles = roles.map_err(|error| format!("each {error}"))?;
    Roles::new(roles).map_err(|error| error.to_string())
}

/// A user who logs in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct Credentials {
    /// The username, or the e-mail address.
    username: String,
    #[schema(format = "password")]
    password: String,
}

pub(super) fn log_in<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogIn<'a>, Failure> {
    let mut fields = Fields::of(body);
    match (fields.text("username"), fields.text("password")) {
        (Some(identifier), Some(password)) => {
            Ok(LogIn { client: &context.client, identifier, password: PasswordAttempt::new(password) })
        }
        _ => Err(fields.failure()),
    }
}

/// A user who stays logged in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct Renewal {
    /// The current token, also after it has expired.
    refresh_token: String,
}

pub(super) fn refresh<'a>(context: &'a Context, body: &'a JsonObject) -> Result<RefreshSession<'a>, Failure> {
    let mut fields = Fields::of(body);
    match fields.text("refresh_token") {
        Some(token) => Ok(RefreshSession { client: &context.client, token }),
        None => Err(fields.failure()),
    }
}
