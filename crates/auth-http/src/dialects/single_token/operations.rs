//! The endpoints in the terms of OpenAPI.

use actix_web::http::StatusCode;
use serde_json::json;

use crate::dialects::PublicTerms;
use crate::openapi::Operation;

use super::requests::{Credentials, Registration, Renewal};
use super::responses::{Error, LoggedIn, ProtectedData, Refreshed, Registered};

pub(super) fn register(terms: &PublicTerms<'_>) -> Operation {
    let example = json!({"message": "User registered successfully."});
    Operation::returning::<Registered, Error>(StatusCode::CREATED, example)
        .summary("Register a user")
        .body::<Registration>(
            json!({"username": "john_doe", "email": "john@example.com", "password": "P@ssw0rd!"}),
        )
        .min_length("password", terms.passwords.min_length)
}

pub(super) fn log_in(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<LoggedIn<'_>, Error>(
        StatusCode::OK,
        json!({"acc_token": "eyJ0eXAiOiJhdCtqd3Qi..."}),
    )
    .summary("Log in")
    .body::<Credentials>(json!({"email": "john@example.com", "password": "P@ssw0rd!"}))
}

pub(super) fn refresh(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<Refreshed<'_>, Error>(StatusCode::OK, json!({"token": "eyJ0eXAiOiJhdCtqd3Qi..."}))
        .summary("Renew the token")
        .description(
            "The answer is a new token, and the old one can no longer renew. The same token again within the grace \
             time gets the same answer; later it is a replay, and ends the session.",
        )
        .body::<Renewal>(json!({"ref_token": "eyJ0eXAiOiJhdCtqd3Qi..."}))
}

pub(super) fn protected_resource(_: &PublicTerms<'_>) -> Operation {
    Operation::returning::<ProtectedData, Error>(StatusCode::OK, json!({"data": "protected data"}))
        .summary("Open the protected resource")
        .bearer()
}
