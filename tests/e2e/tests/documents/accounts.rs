//! `accounts`: "API-Templates-Authentication.md".

use crate::example::{Document, Example};

const REGISTER: Example = Example::of("1. Register", "POST /api/v1/auth/register");
const LOG_IN: Example = Example::of("2. Login", "POST /api/v1/auth/login");
const REFRESH: Example = Example::of("3. Refresh Token", "POST /api/v1/auth/refresh");
const LOG_OUT: Example = Example::of("4. Logout", "POST /api/v1/auth/logout");
const ME: Example =
    Example::of("5. Get Current User", "GET /api/v1/auth/me\nAuthorization: Bearer <access_token>");

const JOHN: &str = r#"{
  "username": "john_doe",
  "password": "P@ssw0rd!",
  "full_name": "John Doe",
  "email": "john@example.com",
  "phone_number": "+84123456789",
  "roles": "customer"
}"#;
/// The token that the document prints, which is also what the server's own is put in the place of.
const REFRESH_TOKEN: &str = r#"{ "refresh_token": "dGhpc2lzYXJlZnJlc2h0b2tlbg==" }"#;

pub(crate) const DOCUMENT: Document = Document {
    name: "accounts",
    examples: &[
        REGISTER.sending(JOHN).says(
            201,
            r#"{
  "message": "Account created successfully",
  "account": {
    "account_id": 1,
    "username": "john_doe",
    "roles": "customer",
    "status": "active",
    "created_at": "2025-08-13T10:15:30Z"
  }
}"#,
        ),
        REGISTER.sending(JOHN).says(400, r#"{ "error": "Username already exists" }"#),
        REFRESH.sending(REFRESH_TOKEN).says(403, r#"{ "error": "Invalid or expired refresh token" }"#),
        LOG_IN
            .sending(r#"{"username": "john_doe", "password": "P@ssw0rd!"}"#)
            .says(
                200,
                r#"{
  "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6Ikp...",
  "refresh_token": "dGhpc2lzYXJlZnJlc2h0b2tlbg==",
  "expires_in": 3600,
  "roles": "customer"
}"#,
            )
            .keeps(&[
                ("dGhpc2lzYXJlZnJlc2h0b2tlbg==", "/refresh_token"),
                ("<access_token>", "/access_token"),
            ]),
        LOG_IN
            .sending(r#"{"username": "john_doe", "password": "wrong"}"#)
            .says(401, r#"{ "error": "Invalid username or password" }"#),
        REFRESH.sending(REFRESH_TOKEN).says(
            200,
            r#"{
  "access_token": "newAccessTokenHere",
  "expires_in": 3600
}"#,
        ),
        ME.says(
            200,
            r#"{
  "account_id": 1,
  "username": "john_doe",
  "roles": "customer",
  "status": "active",
  "full_name": "John Doe",
  "email": "john@example.com",
  "phone_number": "+84123456789"
}"#,
        ),
        Example::of("5. Get Current User", "GET /api/v1/auth/me")
            .says(401, r#"{ "error": "Token is missing or invalid" }"#),
        LOG_OUT.sending(REFRESH_TOKEN).says(200, r#"{ "message": "Successfully logged out" }"#),
    ],
    unprovoked: &[],
};
