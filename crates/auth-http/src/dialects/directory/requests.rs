//! What the paths and the bodies of requests hold.

use auth_domain::model::{
    EmailAddress, Identifiers, Password, PasswordAttempt, Role, Roles, UserId, Username,
};
use auth_domain::use_cases::{LogIn, RefreshSession, Register, UpdateUser};
use uuid::fmt::Hyphenated;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{Fields, JsonObject, Null, Request};

/// `{user_id}`: what is no id is nobody's.
pub(super) fn user_id(request: &Request) -> Result<UserId, Failure> {
    let id: Result<Hyphenated, _> = request.path_part("user_id").parse();
    id.map(|id| UserId(id.into_uuid())).map_err(|_| Failure::UnknownUser)
}

/// `{"username", "password", "email"}`
pub(super) fn register(context: &Context, body: &JsonObject) -> Result<Register, Failure> {
    let mut fields = Fields::of(body);
    let username = fields.required("username", Username::parse);
    let password = fields.required("password", |typed| Password::parse(typed, context.passwords));
    let email = fields.required("email", EmailAddress::parse);
    match (Identifiers::new(username, email), password) {
        (Some(identifiers), Some(password)) if fields.are_sound() => Ok(Register {
            identifiers,
            password,
            display_name: None,
            phone_number: None,
            roles: context.default_roles.clone(),
        }),
        _ => Err(fields.failure()),
    }
}

/// `{"username", "password", "email"}`, each of which stays as it is when it is left out.
pub(super) fn update_user(context: &Context, body: &JsonObject) -> Result<UpdateUser, Failure> {
    let mut fields = Fields::of(body);
    let command = UpdateUser {
        username: fields.optional("username", Null::IsWrong, Username::parse),
        password: fields
            .optional("password", Null::IsWrong, |typed| Password::parse(typed, context.passwords)),
        email: fields.optional("email", Null::IsWrong, EmailAddress::parse),
        ..UpdateUser::default()
    };
    if fields.are_sound() { Ok(command) } else { Err(fields.failure()) }
}

/// `{"roles": ["..", ..]}`: all the roles that the user is to have, one or more.
pub(super) fn set_roles(body: &JsonObject) -> Result<Roles, Failure> {
    let mut fields = Fields::of(body);
    fields.texts("roles", roles).ok_or_else(|| fields.failure())
}

fn roles(names: Vec<&str>) -> Result<Roles, String> {
    if names.is_empty() {
        return Err("must not be empty".to_owned());
    }
    let roles: Result<Vec<_>, _> = names.into_iter().map(Role::parse).collect();
    let roles = roles.map_err(|error| format!("each {error}"))?;
    Roles::new(roles).map_err(|error| error.to_string())
}

/// `{"username", "password"}`, where `username` may as well be an e-mail address.
pub(super) fn log_in<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogIn<'a>, Failure> {
    let mut fields = Fields::of(body);
    match (fields.text("username"), fields.text("password")) {
        (Some(identifier), Some(password)) => {
            Ok(LogIn { client: &context.client, identifier, password: PasswordAttempt::new(password) })
        }
        _ => Err(fields.failure()),
    }
}

/// `{"refresh_token"}`, which is the current token itself.
pub(super) fn refresh<'a>(context: &'a Context, body: &'a JsonObject) -> Result<RefreshSession<'a>, Failure> {
    let mut fields = Fields::of(body);
    match fields.text("refresh_token") {
        Some(token) => Ok(RefreshSession { client: &context.client, token }),
        None => Err(fields.failure()),
    }
}
