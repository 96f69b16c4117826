//! `token_pair`: "Authentication API Specification". It prints no bodies of failures.

use crate::example::{Document, Example};

const REGISTER: Example = Example::of("1. Register User", "POST /api/v1/auth/register");
const LOG_IN: Example = Example::of("2. Login", "POST /api/v1/auth/login");
const REFRESH: Example = Example::of("3. Refresh Token", "POST /api/v1/auth/refresh");
const ME: Example =
    Example::of("4. Get Current User Profile", "GET /api/v1/auth/me\nAuthorization: Bearer <accessToken>");

const JANE: &str = r#"{
  "email": "jane.doe@example.com",
  "password": "securePassword123!",
  "displayName": "Jane Doe"
}"#;
const PROFILE: &str = r#"{
  "id": "550e8400-e29b-41d4-a716-446655440000",
  "email": "jane.doe@example.com",
  "displayName": "Jane Doe",
  "isActive": true,
  "isVerified": false
}"#;
const BAD_TOKEN: &str = r#"{"error": "Token is missing or invalid"}"#;

pub(crate) const DOCUMENT: Document = Document {
    name: "token_pair",
    examples: &[
        REGISTER.sending(JANE).says(201, PROFILE),
        REGISTER.sending(JANE).says(400, r#"{"error": "Email already registered"}"#),
        REGISTER
            .sending(r#"{"email": "jane", "password": "short"}"#)
            .says(400, r#"{"error": "email must be a valid e-mail address; password must be at least 8 characters long"}"#),
        LOG_IN
            .sending(r#"{"email": "jane.doe@example.com", "password": "securePassword123!"}"#)
            .says(
                200,
                r#"{
  "accessToken": "ey...<jwt_access_token>...",
  "refreshToken": "ey...<jwt_refresh_token>...",
  "tokenType": "bearer"
}"#,
            )
            .keeps(&[("<refreshToken>", "/refreshToken")]),
        LOG_IN
            .sending(r#"{"email": "jane.doe@example.com", "password": "wrong"}"#)
            .says(401, r#"{"error": "Invalid email or password"}"#),
        REFRESH
            .sending(r#"{"refreshToken": "<refreshToken>"}"#)
            .says(
                200,
                r#"{
  "accessToken": "ey...<new_access_token>...",
  "refreshToken": "ey...<new_refresh_token>...",
  "tokenType": "bearer"
}"#,
            )
            .keeps(&[("<accessToken>", "/accessToken")]),
        REFRESH
            .sending(r#"{"refreshToken": "nonsense"}"#)
            .says(401, r#"{"error": "Invalid or expired refresh token, or user is inactive"}"#),
        ME.says(200, PROFILE),
        Example::of("4. Get Current User Profile, missing", "GET /api/v1/auth/me").says(401, BAD_TOKEN),
        Example::of(
            "4. Get Current User Profile, invalid",
            "GET /api/v1/auth/me\nAuthorization: Bearer nonsense",
        )
        .says(401, BAD_TOKEN),
    ],
    unprovoked: &[],
};
