//! The endpoints in the terms of OpenAPI.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::dialects::PublicTerms;
use crate::openapi::Operation;

use super::requests::{Credentials, Registration, Renewal};
use super::responses::{Error, Profile, Tokens};

pub(super) fn register(terms: &PublicTerms<'_>) -> Operation {
    Operation::returning::<Profile<'_>, Error<'_>>(StatusCode::CREATED, profile())
        .summary("Register a user")
        .description("Registering logs nobody in.")
        .body::<Registration>(json!({
            "email": "jane.doe@example.com", "password": "securePassword123!", "displayName": "Jane Doe"
        }))
        .min_length("password", terms.passwords.min_length)
}

pub(super) fn log_in(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<Tokens<'_>, Error<'_>>(StatusCode::OK, tokens())
        .summary("Log in")
        .body::<Credentials>(json!({"email": "jane.doe@example.com", "password": "securePassword123!"}))
}

pub(super) fn refresh(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<Tokens<'_>, Error<'_>>(StatusCode::OK, tokens())
        .summary("Replace both tokens")
        .description(
            "The same refresh token again within the grace time gets the same successor; later it is a replay, and \
             ends the session.",
        )
        .body::<Renewal>(json!({"refreshToken": "ref_..."}))
}

pub(super) fn me(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<Profile<'_>, Error<'_>>(StatusCode::OK, profile())
        .summary("Read the user's own profile")
        .bearer()
}

fn profile() -> Value {
    json!({
        "id": "550e8400-e29b-41d4-a716-446655440000",
        "email": "jane.doe@example.com",
        "displayName": "Jane Doe",
        "isActive": true,
        "isVerified": false
    })
}

fn tokens() -> Value {
    json!({"accessToken": "eyJ0eXAiOiJhdCtqd3Qi...", "refreshToken": "ref_...", "tokenType": "bearer"})
}
