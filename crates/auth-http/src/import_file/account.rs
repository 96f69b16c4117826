//! Reads a user in the format of this service.

use auth_domain::model::{
    ExternalId, Identifiers, Metadata, PasswordHash, Role, Roles, Timestamp, UserStatus,
};
use auth_domain::use_cases::ImportUser;
use serde::Deserialize;
use serde_json::Value;
use validator::Validate;

use crate::failure::Failure;
use crate::reply::in_one_line;
use crate::request::{
    DisplayNameField, EmailField, Field, JsonObject, Member, PhoneNumberField, TextField, UsernameField,
    optional, text, texts,
};

/// The members of a user.
pub(super) const MEMBERS: [&str; 11] = [
    "username",
    "email",
    "password_hash",
    "display_name",
    "phone_number",
    "roles",
    "email_verified",
    "status",
    "created_at",
    "external_id",
    "metadata",
];

/// A user. A member that is `null` is absent.
#[derive(Deserialize, Validate)]
#[validate(nest_all_fields = true)]
struct Account {
    username: Option<UsernameField>,
    email: Option<EmailField>,
    password_hash: Option<TextField>,
    display_name: Option<DisplayNameField>,
    phone_number: Option<PhoneNumberField>,
    roles: Option<Field<RoleNames>>,
    email_verified: Option<Field<bool>>,
    status: Option<Field<UserStatus>>,
    created_at: Option<Field<Timestamp>>,
    external_id: Option<Field<ExternalId>>,
    metadata: Option<Field<Metadata>>,
}

/// Reads a user, whose members are all in [`MEMBERS`]. A user without `roles` gets `default_roles`.
///
/// # Errors
/// The errors of all members; the text follows the place in the file. It does not contain any value.
pub(super) fn read(object: &JsonObject, default_roles: &Roles) -> Result<ImportUser, String> {
    let account: Account = object.read_valid(()).map_err(message)?;
    account
        .into_command(default_roles)
        .map_err(message)?
        .ok_or("has neither a username nor an email".to_owned())
}

impl Account {
    /// The command; `None` without a username and an e-mail address.
    fn into_command(self, default_roles: &Roles) -> Result<Option<ImportUser>, Failure> {
        let (username, email) = (optional(self.username)?, optional(self.email)?);
        let Some(identifiers) = Identifiers::new(username, email) else { return Ok(None) };
        let mut user = ImportUser::new(identifiers);
        // An empty text is what databases export for a user who never had a password.
        user.password_hash =
            optional(self.password_hash)?.filter(|hash| !hash.is_empty()).map(PasswordHash::new);
        user.display_name = optional(self.display_name)?;
        user.phone_number = optional(self.phone_number)?;
        user.roles = optional(self.roles)?.map_or_else(|| default_roles.clone(), |RoleNames(roles)| roles);
        user.email_verified = optional(self.email_verified)?.unwrap_or(user.email_verified);
        user.status = optional(self.status)?.unwrap_or(user.status);
        user.created_at = optional(self.created_at)?;
        user.external_id = optional(self.external_id)?;
        user.metadata = optional(self.metadata)?;
        Ok(Some(user))
    }
}

/// A list of role names, or one string of names with commas between them.
struct RoleNames(Roles);

impl Member for RoleNames {
    fn read(value: &Value) -> Result<Self, String> {
        let roles = match value {
            Value::String(text) => Roles::parse(text),
            Value::Array(_) => {
                let names = texts(value).ok_or("must be a list of strings")?;
                let roles: Result<Vec<_>, _> = names.into_iter().map(Role::parse).collect();
                Roles::new(roles.map_err(|error| error.to_string())?)
            }
            _ => return Err("must be a list of strings, or one string".to_owned()),
        };
        roles.map(Self).map_err(|error| error.to_string())
    }
}

impl Member for bool {
    fn read(value: &Value) -> Result<Self, String> {
        flag(value).ok_or("must be true or false".to_owned())
    }
}

impl Member for UserStatus {
    fn read(value: &Value) -> Result<Self, String> {
        Self::parse(text(value)?).ok_or("must be active or suspended".to_owned())
    }
}

impl Member for Timestamp {
    fn read(value: &Value) -> Result<Self, String> {
        timestamp(text(value)?)
            .ok_or("must be a time such as 2025-08-13T10:15:30Z, in 1970 or later".to_owned())
    }
}

/// A text, or a whole number: many services number their users.
impl Member for ExternalId {
    fn read(value: &Value) -> Result<Self, String> {
        let id = match value {
            Value::Number(number) if number.is_u64() => number.to_string(),
            Value::String(id) => id.clone(),
            _ => return Err("must be a string or a whole number".to_owned()),
        };
        Self::parse(&id).map_err(|error| error.to_string())
    }
}

impl Member for Metadata {
    fn read(value: &Value) -> Result<Self, String> {
        Self::parse(text(value)?).map_err(|error| error.to_string())
    }
}

/// A truth value, also as databases export it to CSV.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match &text.to_ascii_lowercase()[..] {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A time in RFC 3339, or as databases export it: with a space for the `T`, an offset of hours, or no offset for UTC.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    if let Some(time) = Timestamp::parse(text) {
        return Some(time);
    }
    let (date, time) = text.split_once([' ', 'T'])?;
    let offset = match time.find(['+', '-']) {
        Some(at) if time.len() == at + 3 => ":00",
        Some(_) => "",
        None if time.ends_with('Z') => "",
        None => "Z",
    };
    Timestamp::parse(&format!("{date}T{time}{offset}"))
}

fn message(failure: Failure) -> String {
    match failure {
        Failure::InvalidFields(errors) => in_one_line(&errors),
        _ => "cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{DisplayName, EmailAddress, PhoneNumber, Username};

    use super::*;

    fn read_line(line: &str) -> Result<ImportUser, String> {
        let object = JsonObject::parse(line.as_bytes()).expect("an object");
        read(&object, &Roles::parse("customer").expect("roles"))
    }

    #[test]
    fn every_member_is_read() {
        let user = read_line(
            r#"{"username":"Jane","email":"Jane@Example.com","password_hash":"$2b$..","display_name":"Jane D.",
                "phone_number":"+84 123 456 789","roles":["editor","admin"],"email_verified":true,
                "status":"suspended","created_at":"2020-02-29T12:00:00+07:00","external_id":"auth0|7",
                "metadata":"{\"plan\": 1}"}"#,
        );
        let user = user.expect("an account");
        assert_eq!(user.identifiers.username().map(Username::as_str), Some("Jane"));
        assert_eq!(user.identifiers.email().map(EmailAddress::as_str), Some("Jane@Example.com"));
        assert_eq!(user.password_hash.as_ref().map(PasswordHash::expose), Some("$2b$.."));
        assert_eq!(user.display_name.as_ref().map(DisplayName::as_str), Some("Jane D."));
        assert_eq!(user.phone_number.as_ref().map(PhoneNumber::as_str), Some("+84123456789"));
        assert_eq!(user.roles.to_string(), "admin,editor");
        assert!(user.email_verified);
        assert_eq!(user.status, UserStatus::Suspended);
        assert_eq!(user.external_id.as_ref().map(ExternalId::as_str), Some("auth0|7"));
        assert_eq!(user.metadata.as_ref().map(Metadata::as_str), Some("{\"plan\": 1}"));
        assert_eq!(user.created_at.map(|time| time.to_string()).as_deref(), Some("2020-02-29T05:00:00Z"));
    }

    #[test]
    fn missing_members_get_their_defaults() {
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
    fn errors_name_the_member_and_contain_no_value() {
        for (line, reason) in [
            (r#"{"password_hash":"s3cret"}"#, "has neither a username nor an email"),
            (r#"{"username":"s3cret","password_hash":["s3cret"]}"#, "password_hash must be a string"),
            (r#"{"username":"s3cret","external_id":-7}"#, "external_id must be a string or a whole number"),
            (r#"{"username":"s3cret","metadata":{"s3cret":1}}"#, "metadata must be a string"),
            (
                r#"{"username":"s3cret","metadata":"s3cret\u0000"}"#,
                "metadata must be 1 to 4096 bytes of text",
            ),
            (r#"{"username":"s3cret","external_id":" s3cret"}"#, "external_id must be 1 to 255 characters"),
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
            let error = read_line(line).expect_err(line);
            assert!(error.starts_with(reason) && !error.to_lowercase().contains("s3cret"), "{line}: {error}");
        }
    }

    #[test]
    fn every_member_is_declared_once() {
        assert_eq!(crate::request::member_names::<Account>(), MEMBERS);
    }

    #[test]
    fn an_empty_or_missing_hash_is_no_password() {
        for hash in ["", r#","password_hash":null"#, r#","password_hash":"""#] {
            let user = read_line(&format!(r#"{{"username":"jane"{hash}}}"#)).expect("a user");
            assert!(user.password_hash.is_none(), "{hash}");
        }
    }

    #[test]
    fn values_of_database_exports_are_read() {
        for (text, expected) in [
            ("2020-02-29 12:00:00+07", "2020-02-29T05:00:00Z"),
            ("2020-02-29 12:00:00.25+00", "2020-02-29T12:00:00Z"),
            ("2020-02-29 12:00:00-03:30", "2020-02-29T15:30:00Z"),
            ("2020-02-29T12:00:00", "2020-02-29T12:00:00Z"),
        ] {
            let time = timestamp(text).map(|time| time.to_string());
            assert!(time.is_some_and(|time| time.starts_with(expected.trim_end_matches('Z'))), "{text}");
        }
        assert!(timestamp("2020-02-29").is_none() && timestamp("12:00:00").is_none());
        let user =
            read_line(r#"{"email":"j@example.com","email_verified":"t","external_id":17}"#).expect("a user");
        assert!(user.email_verified);
        assert_eq!(user.external_id.as_ref().map(ExternalId::as_str), Some("17"));
        assert_eq!(
            [Value::from(0), "F".into(), "yes".into()].map(|v| flag(&v)),
            [Some(false), Some(false), None]
        );
    }
}
