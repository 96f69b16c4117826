//! An account as a line of an import holds it.

use auth_domain::model::{
    DisplayName, EmailAddress, Identifiers, PasswordHash, PhoneNumber, Role, Roles, Timestamp, UserStatus,
    Username,
};
use auth_domain::use_cases::ImportUser;
use serde_json::Value;

use crate::failure::Failure;
use crate::reply::in_one_line;
use crate::request::{Fields, JsonObject, NullPolicy};

/// The members that an account may have.
const MEMBERS: [&str; 9] = [
    "username",
    "email",
    "password_hash",
    "display_name",
    "phone_number",
    "roles",
    "email_verified",
    "status",
    "created_at",
];

/// Reads an account. Whoever names no roles has `default_roles`; a member that is `null` is as good as left out.
///
/// # Errors
/// What is wrong with it, to be read after the number of its line. Nothing that it holds is repeated.
pub(super) fn read(line: &[u8], default_roles: &Roles) -> Result<ImportUser, String> {
    let object = JsonObject::parse(line)
        .map_err(|_| "is no JSON object in UTF-8, or one that has a member twice".to_owned())?;
    if object.names().any(|name| !MEMBERS.contains(&name)) {
        return Err(format!("has a member that is none of {}", MEMBERS.join(", ")));
    }
    let mut fields = Fields::of(&object);
    let username = fields.optional("username", NullPolicy::Absent, Username::parse);
    let email = fields.optional("email", NullPolicy::Absent, EmailAddress::parse);
    let hash = fields.text("password_hash");
    let display_name = fields.optional("display_name", NullPolicy::Absent, DisplayName::parse);
    let phone_number = fields.optional("phone_number", NullPolicy::Absent, PhoneNumber::parse);
    let roles = fields.optional_value("roles", read_roles);
    let email_verified =
        fields.optional_value("email_verified", |value| value.as_bool().ok_or("must be true or false"));
    let status = fields.optional("status", NullPolicy::Absent, |text| {
        UserStatus::parse(text).ok_or("must be active or suspended")
    });
    let created_at = fields.optional("created_at", NullPolicy::Absent, |text| {
        Timestamp::parse(text).ok_or("must be a time such as 2025-08-13T10:15:30Z, in 1970 or later")
    });
    let (true, Some(hash)) = (fields.is_valid(), hash) else { return Err(wrong(fields.failure())) };
    Ok(ImportUser {
        identifiers: Identifiers::new(username, email).ok_or("has neither a username nor an email")?,
        password_hash: PasswordHash::new(hash.to_owned()),
        display_name,
        phone_number,
        roles: roles.unwrap_or_else(|| default_roles.clone()),
        email_verified: email_verified.unwrap_or(false),
        status: status.unwrap_or(UserStatus::Active),
        created_at,
    })
}

/// A list of strings, or their names in one string with commas between.
fn read_roles(value: &Value) -> Result<Roles, String> {
    match value {
        Value::String(text) => Roles::parse(text).map_err(|error| error.to_string()),
        Value::Array(names) => {
            let role = |name: &Value| {
                let name = name.as_str().ok_or("must be a list of strings")?;
                Role::parse(name).map_err(|error| error.to_string())
            };
            let roles: Vec<Role> = names.iter().map(role).collect::<Result<_, String>>()?;
            Roles::new(roles).map_err(|error| error.to_string())
        }
        _ => Err("must be a list of strings, or one string".to_owned()),
    }
}

fn wrong(failure: Failure) -> String {
    match failure {
        Failure::InvalidFields(errors) => in_one_line(&errors),
        _ => "cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(line: &str) -> Result<ImportUser, String> {
        read(line.as_bytes(), &Roles::parse("customer").expect("roles"))
    }

    #[test]
    fn every_member_is_read() {
        let user = read_line(
            r#"{"username":"Jane","email":"Jane@Example.com","password_hash":"$2b$..","display_name":"Jane D.",
                "phone_number":"+84 123 456 789","roles":["editor","admin"],"email_verified":true,
                "status":"suspended","created_at":"2020-02-29T12:00:00+07:00"}"#,
        );
        let user = user.expect("an account");
        assert_eq!(user.identifiers.username().map(Username::as_str), Some("Jane"));
        assert_eq!(user.identifiers.email().map(EmailAddress::as_str), Some("Jane@Example.com"));
        assert_eq!(user.password_hash.expose(), "$2b$..");
        assert_eq!(user.display_name.as_ref().map(DisplayName::as_str), Some("Jane D."));
        assert_eq!(user.phone_number.as_ref().map(PhoneNumber::as_str), Some("+84123456789"));
        assert_eq!(user.roles.to_string(), "admin,editor");
        assert!(user.email_verified);
        assert_eq!(user.status, UserStatus::Suspended);
        assert_eq!(user.created_at.map(|time| time.to_string()).as_deref(), Some("2020-02-29T05:00:00Z"));
    }

    #[test]
    fn who_has_only_a_name_and_a_hash_is_active_unverified_and_what_everybody_is() {
        for rest in
            ["", r#","roles":null,"status":null,"email_verified":null,"created_at":null,"email":null"#]
        {
            let user = read_line(&format!(r#"{{"username":"jane","password_hash":"$2b$.."{rest}}}"#));
            let user = user.expect("an account");
            assert_eq!(user.roles.to_string(), "customer");
            assert!(!user.email_verified && user.created_at.is_none());
            assert_eq!(user.status, UserStatus::Active);
        }
    }

    #[test]
    fn roles_are_a_list_or_a_string() {
        for (roles, expected) in
            [(r#""b,a""#, "a,b"), (r#"["b","a"]"#, "a,b"), ("[]", ""), (r#""""#, ""), (r#"["a","a"]"#, "a")]
        {
            let user = read_line(&format!(r#"{{"username":"j","password_hash":"h","roles":{roles}}}"#));
            assert_eq!(user.expect("an account").roles.to_string(), expected, "{roles}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_nothing_of_the_line() {
        for (line, reason) in [
            ("s3cret", "is no JSON object in UTF-8, or one that has a member twice"),
            (r#"["s3cret"]"#, "is no JSON object in UTF-8, or one that has a member twice"),
            (
                r#"{"username":"s3cret","username":"s3cret"}"#,
                "is no JSON object in UTF-8, or one that has a member twice",
            ),
            (
                r#"{"s3cret":1}"#,
                "has a member that is none of username, email, password_hash, display_name, phone_number, roles, email_verified, status, created_at",
            ),
            (r#"{"password_hash":"s3cret"}"#, "has neither a username nor an email"),
            (r#"{"username":"s3cret"}"#, "password_hash is required"),
            (r#"{"username":"s3cret","password_hash":null}"#, "password_hash must be a string"),
            (
                r#"{"username":"s3cret","password_hash":"h","email":"s3cret"}"#,
                "email must be a valid e-mail address",
            ),
            (r#"{"username":"s3cret","password_hash":"h","roles":["S3CRET"]}"#, "roles "),
            (r#"{"username":"s3cret","password_hash":"h","roles":[1]}"#, "roles must be a list of strings"),
            (
                r#"{"username":"s3cret","password_hash":"h","roles":1}"#,
                "roles must be a list of strings, or one string",
            ),
            (
                r#"{"username":"s3cret","password_hash":"h","email_verified":"s3cret"}"#,
                "email_verified must be true or false",
            ),
            (
                r#"{"username":"s3cret","password_hash":"h","status":"s3cret"}"#,
                "status must be active or suspended",
            ),
            (
                r#"{"username":"s3cret","password_hash":"h","created_at":"s3cret"}"#,
                "created_at must be a time such as",
            ),
            (r#"{"username":"s3cret","password_hash":"h","created_at":1}"#, "created_at must be a string"),
        ] {
            let said = read_line(line).expect_err(line);
            assert!(said.starts_with(reason) && !said.to_lowercase().contains("s3cret"), "{line}: {said}");
        }
    }
}
