//! The services whose exports are read, and how an object of each becomes a user in the format of this service.

use std::collections::HashSet;

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::exports::{auth0, django, firebase, keycloak, kratos, supabase};
use super::{ImportOptions, account, printable};
use crate::request::JsonObject;

/// The service that wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// The format of docs/importing.md
    Plain,
    /// The export of users or of password hashes, and files for a bulk import
    Auth0,
    /// `dumpdata`, or the table of users
    Django,
    /// `auth:export`
    Firebase,
    /// The export of a realm
    Keycloak,
    /// A list of identities
    Kratos,
    /// The table `auth.users`
    Supabase,
}

/// What an object is.
pub(super) enum Mapped {
    /// A user in the format of this service, and the names of the members that were left out.
    User { object: JsonObject, left_out: Vec<String> },
    /// No user, but for example a row of another table.
    Other,
}

impl Export {
    /// Recognises the service by the members that only its users have.
    pub(super) fn of(object: &JsonObject) -> Self {
        let has = |name: &str| object.get(name).is_some();
        if has("model") && has("fields") || has("date_joined") && has("is_superuser") {
            Self::Django
        } else if has("encrypted_password") || has("raw_user_meta_data") {
            Self::Supabase
        } else if has("localId") {
            Self::Firebase
        } else if has("traits") {
            Self::Kratos
        } else if has("passwordHash") || has("custom_password_hash") || is_auth0_id(object.get("user_id")) {
            Self::Auth0
        } else if has("credentials") || has("emailVerified") || has("createdTimestamp") {
            Self::Keycloak
        } else {
            Self::Plain
        }
    }

    /// The columns of a CSV file that does not name them.
    pub(super) fn columns(self) -> Option<&'static [&'static str]> {
        (self == Self::Firebase).then_some(&firebase::COLUMNS)
    }

    /// Whether a column with this name is expected in a CSV file.
    pub(super) fn knows_column(name: &str) -> bool {
        let others =
            ["encrypted_password", "is_superuser", "passwordHash", "custom_password_hash", "user_id"];
        account::MEMBERS.contains(&name) || others.contains(&name)
    }

    pub(super) fn map(self, object: JsonObject, options: &ImportOptions) -> Result<Mapped, String> {
        let members = Members(object.into());
        match self {
            Self::Plain => plain(members, options),
            Self::Auth0 => auth0::map(members),
            Self::Django => django::map(members),
            Self::Firebase => firebase::map(members, options.firebase.as_ref()),
            Self::Keycloak => keycloak::map(members),
            Self::Kratos => kratos::map(members),
            Self::Supabase => supabase::map(members, options.now),
        }
    }
}

fn plain(Members(mut members): Members, options: &ImportOptions) -> Result<Mapped, String> {
    let known: HashSet<_> = account::MEMBERS.into_iter().collect();
    let unknown: Vec<_> = members.keys().filter(|name| !known.contains(name.as_str())).cloned().collect();
    if let Some(first) = unknown.first().filter(|_| !options.ignore_unknown) {
        return Err(unknown_member(first));
    }
    members.retain(|name, _| known.contains(name.as_str()));
    let left_out = unknown.iter().map(|name| printable(name)).collect();
    Ok(Mapped::User { object: JsonObject::from(members), left_out })
}

/// An id of Auth0 names the provider of the identity: `auth0|5f7c8ec7c33c6c004bbafe82`.
fn is_auth0_id(id: Option<&Value>) -> bool {
    id.and_then(Value::as_str).is_some_and(|id| id.contains('|'))
}

/// Names an unknown member, and the known one that is most like it.
fn unknown_member(name: &str) -> String {
    let like = account::MEMBERS
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&name.to_ascii_lowercase(), known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 3);
    let name = printable(name);
    match like {
        Some((_, known)) => format!("has the unknown member {name}; is it `{known}`?"),
        None => format!("has the unknown member {name}; --ignore-unknown leaves it out"),
    }
}

/// The members of an exported object. What is taken is removed, so that the rest is what was left out.
pub(super) struct Members(pub(super) Map<String, Value>);

impl Members {
    /// Takes a text or a number. An empty text is absent.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("{name} must be a string")),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, String> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match account::flag(&value) {
                Some(flag) => Ok(Some(flag)),
                None => Err(format!("{name} must be true or false")),
            },
        }
    }

    /// Takes an object. CSV files and some exports contain it as a text.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Members>, String> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Members(members))),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => match JsonObject::parse(text.as_bytes()) {
                Ok(object) => Ok(Some(Members(object.into()))),
                Err(_) => Err(format!("{name} must be an object")),
            },
            Some(_) => Err(format!("{name} must be an object")),
        }
    }

    /// Takes the objects of a list. Other elements are left out.
    pub(super) fn objects(&mut self, name: &str) -> Vec<Members> {
        let Some(Value::Array(items)) = self.0.remove(name) else { return Vec::new() };
        let objects = items.into_iter().filter_map(|item| match item {
            Value::Object(members) => Some(Members(members)),
            _ => None,
        });
        objects.collect()
    }

    /// Takes a text that has to be there.
    pub(super) fn required(&mut self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| format!("{name} is required"))
    }

    /// The names of the members that are left and not empty.
    fn rest(self) -> Vec<String> {
        let is_empty = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            Value::Bool(true) | Value::Number(_) => false,
        };
        self.0.iter().filter(|(_, value)| !is_empty(value)).map(|(name, _)| printable(name)).collect()
    }
}

/// A user in the format of this service, under construction.
#[derive(Default)]
pub(super) struct User(Map<String, Value>);

impl User {
    /// Sets a member, unless the value is absent.
    pub(super) fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// Sets whether the e-mail address is verified. Without an address, nothing is verified.
    pub(super) fn set_verified(&mut self, is_verified: bool) {
        if is_verified && self.0.contains_key("email") {
            self.set("email_verified", Some(true));
        }
    }

    pub(super) fn set_suspended(&mut self, is_suspended: bool) {
        self.set("status", is_suspended.then_some("suspended"));
    }

    /// Finishes the user. What is left of `members` was left out.
    pub(super) fn finish(self, members: Members) -> Mapped {
        Mapped::User { object: JsonObject::from(self.0), left_out: members.rest() }
    }
}

/// A time as RFC 3339, from milliseconds since the Unix epoch.
pub(super) fn time_of_millis(text: &str) -> Result<String, String> {
    let millis: i64 = text.parse().map_err(|_| "the time of creation must be a number of milliseconds")?;
    let micros = millis.checked_mul(1_000).ok_or("the time of creation is out of range")?;
    Ok(auth_domain::model::Timestamp::from_unix_micros(micros.max(0)).to_string())
}
