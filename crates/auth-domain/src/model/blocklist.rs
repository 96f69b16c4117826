//! Passwords that users must not set because attackers try them first.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::identifiers::fold;
use super::{IdentifierKey, Identifiers, InvalidPassword, Password};

/// A list of common passwords. A new password must be neither on the list nor one of the user's own names (NIST SP
/// 800-63B-4, section 3.1.1.2).
///
/// The whole password is compared, never a part of it, as the standard requires. The standard leaves case open. This
/// list ignores case and compatibility forms, because an attacker who tries `password` tries `Password` next.
#[derive(Clone, PartialEq, Eq)]
pub struct Blocklist(Arc<[Box<str>]>);

impl Blocklist {
    /// Creates a list from common passwords, in any order and spelling.
    pub fn new<'a>(common: impl IntoIterator<Item = &'a str>) -> Self {
        let mut folded: Vec<_> = common.into_iter().map(|password| fold(password).into_boxed_str()).collect();
        folded.sort_unstable();
        Self(folded.into())
    }

    /// Checks whether a user with these names may set this password.
    ///
    /// # Errors
    /// [`InvalidPassword::Common`] and [`InvalidPassword::OwnName`].
    pub fn judge(&self, password: &Password, names: &Identifiers) -> Result<(), InvalidPassword> {
        let folded = Zeroizing::new(fold(password.text()));
        if self.0.binary_search_by(|common| (**common).cmp(&**folded)).is_ok() {
            return Err(InvalidPassword::Common);
        }
        // A password that parses as an e-mail address has a second form, its identifier key.
        let as_name = IdentifierKey::of(password.text()).ok();
        for (_, key) in names.keys() {
            if as_name.as_ref() == Some(key) || *folded == key.as_str() || local_part(key) == Some(&folded) {
                return Err(InvalidPassword::OwnName);
            }
        }
        Ok(())
    }
}

/// Returns the part of an e-mail address in front of the `@`.
fn local_part(key: &IdentifierKey) -> Option<&str> {
    key.as_str().rsplit_once('@').map(|(local, _)| local)
}

impl fmt::Debug for Blocklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blocklist({} passwords)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EmailAddress, PasswordPolicy, Username};

    fn judge(typed: &str) -> Result<(), InvalidPassword> {
        let password = Password::parse(typed, PasswordPolicy { min_length: 1 }).expect("a password");
        let username = Username::parse("Stra\u{df}enfest").expect("a username");
        let email = EmailAddress::parse("Jane.Doe+1@B\u{fc}cher.example").expect("an address");
        let names = Identifiers::new(Some(username), Some(email)).expect("names");
        Blocklist::new(["password1", "Trustno1", "iloveyou"]).judge(&password, &names)
    }

    #[test]
    fn a_common_password_is_rejected_in_every_spelling() {
        for typed in ["password1", "PassWord1", "trustno1", "\u{ff49}LOVEYOU"] {
            assert_eq!(judge(typed), Err(InvalidPassword::Common), "{typed}");
        }
    }

    #[test]
    fn a_password_that_contains_a_common_one_is_accepted() {
        for typed in ["password12", "my password1", "password1 ", "passwor", "1drowssap"] {
            assert_eq!(judge(typed), Ok(()), "{typed}");
        }
    }

    #[test]
    fn own_names_are_rejected_in_every_spelling() {
        for typed in [
            "Stra\u{df}enfest",
            "STRASSENFEST",
            "jane.doe+1",
            "JANE.DOE+1",
            "Jane.Doe+1@b\u{fc}cher.example",
            "jane.doe+1@xn--bcher-kva.example",
            "\u{ff4a}ane.doe+1@b\u{fc}cher.example",
        ] {
            assert_eq!(judge(typed), Err(InvalidPassword::OwnName), "{typed}");
        }
    }

    #[test]
    fn a_password_similar_to_a_name_is_accepted() {
        for typed in
            ["strassenfest1", "jane.doe", "jane.doe+1@", "b\u{fc}cher.example", "jane.doe+1@example.com"]
        {
            assert_eq!(judge(typed), Ok(()), "{typed}");
        }
    }

    #[test]
    fn an_empty_list_still_rejects_own_names() {
        let names = Identifiers::new(Username::parse("jane_doe").ok(), None).expect("a name");
        let [own_name, common] = ["jane_doe", "password"]
            .map(|typed| Password::parse(typed, PasswordPolicy::default()).expect("a password"));
        let empty = Blocklist::new([]);
        assert_eq!(empty.judge(&own_name, &names), Err(InvalidPassword::OwnName));
        assert_eq!(empty.judge(&common, &names), Ok(()));
    }
}
