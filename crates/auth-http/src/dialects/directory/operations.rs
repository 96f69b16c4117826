//! The endpoints in the terms of OpenAPI.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::dialects::PublicTerms;
use crate::openapi::Operation;

use super::requests::{Credentials, NewRoles, NewUser, Renewal, UserChange};
use super::responses::{Error, Roles, Token, User};

pub(super) fn register(terms: &PublicTerms<'_>) -> Operation {
    Operation::returning::<User<'_>, Error<'_>>(StatusCode::CREATED, user())
        .summary("Create a user")
        .description("The key needs the scope `users:write`.")
        .api_key()
        .body::<NewUser>(
            json!({"username": "john.doe", "password": "P@ssw0rd!", "email": "john.doe@example.com"}),
        )
        .min_length("password", terms.passwords.min_length)
}

pub(super) fn get_user(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<User<'_>, Error<'_>>(StatusCode::OK, user())
        .summary("Read a user")
        .description("The key needs the scope `users:read`.")
        .api_key()
        .path_part("The user's `id`.")
}

pub(super) fn update_user(terms: &PublicTerms<'_>) -> Operation {
    Operation::returning::<User<'_>, Error<'_>>(StatusCode::OK, user())
        .summary("Change a user")
        .description(
            "All that is named changes at once or not at all. A new password ends every session of the user. The \
             key needs the scope `users:write`.",
        )
        .api_key()
        .path_part("The user's `id`.")
        .body::<UserChange>(json!({"email": "john.doe@example.com"}))
        .min_length("password", terms.passwords.min_length)
}

pub(super) fn set_roles(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<Roles<'_>, Error<'_>>(StatusCode::OK, json!({"roles": ["admin", "customer"]}))
        .summary("Set the roles of a user")
        .description("These and no others. The key needs the scope `users:roles`.")
        .api_key()
        .path_part("The user's `id`.")
        .body::<NewRoles>(json!({"roles": ["admin", "customer"]}))
}

pub(super) fn delete_user(_: &PublicTerms<'_>) -> Operation {
    Operation::returning_nothing::<Error<'_>>(StatusCode::NO_CONTENT)
        .summary("Delete a user")
        .description("Every session of the user ends. The key needs the scope `users:write`.")
        .api_key()
        .path_part("The user's `id`.")
}

pub(super) fn log_in(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<Token<'_>, Error<'_>>(StatusCode::OK, token())
        .summary("Log a user in")
        .description("The key needs the scope `auth`.")
        .api_key()
        .body::<Credentials>(json!({"username": "john.doe", "password": "P@ssw0rd!"}))
}

pub(super) fn refresh(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<Token<'_>, Error<'_>>(StatusCode::OK, token())
        .summary("Renew a user's token")
        .description(
            "The answer is a new token, and the old one can no longer renew. The same token again within the grace \
             time gets the same answer; later it is a replay, and ends the session. The key needs the scope `auth`.",
        )
        .api_key()
        .body::<Renewal>(json!({"refresh_token": "eyJ0eXAiOiJhdCtqd3Qi..."}))
}

fn user() -> Value {
    json!({
        "id": "550e8400-e29b-41d4-a716-446655440000",
        "username": "john.doe",
        "email": "john.doe@example.com",
        "created_at": "2023-10-27T10:00:00Z"
    })
}

fn token() -> Value {
    json!({"token": "eyJ0eXAiOiJhdCtqd3Qi..."})
}
