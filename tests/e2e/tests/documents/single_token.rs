//! `single_token`: "API Specification: Authentication Service". Its bodies of requests hold only placeholders.

use crate::example::{Document, Example};

const REGISTER: Example = Example::of("1. User Registration", "POST /v1/auth/register");
const LOG_IN: Example = Example::of("2. User Login", "POST /v1/auth/login");
const REFRESH: Example = Example::of("3. Token Refresh", "POST /v1/auth/refresh");
const OPEN: Example = Example::of(
    "4. Access Protected Resource",
    "GET /v1/protected/resource\nAuthorization: Bearer <JWT token>",
);
const COMMON: &str = "Common Errors";
const JANE: &str = r#"{"username": "jane", "email": "jane@example.com", "password": "P@ssw0rd!"}"#;

pub(crate) const DOCUMENT: Document = Document {
    name: "single_token",
    examples: &[
        REGISTER.sending(JANE).says(201, r#"{"message": "User registered successfully."}"#),
        REGISTER
            .sending(r#"{"username": "", "email": "jane", "password": ""}"#)
            .says(400, r#"{"error": "Invalid input data."}"#),
        REGISTER.sending(JANE).says(409, r#"{"error": "User already exists."}"#),
        LOG_IN
            .sending(r#"{"email": "jane@example.com", "password": "P@ssw0rd!"}"#)
            .says(200, r#"{"acc_token": "jwt-string"}"#)
            .keeps(&[("<JWT token>", "/acc_token")]),
        LOG_IN
            .sending(r#"{"email": "jane@example.com", "password": "wrong"}"#)
            .says(401, r#"{"error": "Invalid credentials."}"#),
        OPEN.says(200, r#"{"data": "protected data"}"#),
        Example::of("4. Access Protected Resource", "GET /v1/protected/resource")
            .says(401, r#"{"error": "Invalid or missing token."}"#),
        REFRESH.sending(r#"{"ref_token": "<JWT token>"}"#).says(200, r#"{"token": "jwt-string"}"#),
        REFRESH.sending(r#"{"ref_token": "string"}"#).says(401, r#"{"error": "Invalid token."}"#),
        Example::of(COMMON, "POST /v1/auth/login").sending("{").says(400, r#"{"error": "Bad request."}"#),
        // By default every user may open the resource, so this example requires a role.
        OPEN.under("AUTH_PROTECTED__REQUIRED_ROLE", "admin").says(403, r#"{"error": "Forbidden."}"#),
        Example::of(COMMON, "GET /v1/nothing").says(404, r#"{"error": "Not found."}"#),
    ],
    // Each endpoint that answers 401 has a text of its own.
    unprovoked: &[(401, r#"{"error": "Unauthorized."}"#), (500, r#"{"error": "Internal server error."}"#)],
};
