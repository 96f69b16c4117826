//! Passwords that users must not set because attackers try them first.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::identifiers::fold;
use super::{IdentifierKey, Identifiers, InvalidPassword, Password};

/// The most common passwords of 6 characters or more, folded, one per line, in the order of their bytes. The README of the
/// folder names their source.
const COMMON: &str = include_str!("../../data/common_passwords/passwords.txt");

/// Passwords that no user may set. A new password must be neither on the list nor one of the user's own names (NIST SP
/// 800-63B-4, section 3.1.1.2).
///
/// The whole password is compared, never a part of it, as the standard requires. The standard leaves case open. This
/// list ignores case and compatibility forms, because an attacker who tries `password` tries `Password` next.
#[derive(Clone, PartialEq, Eq)]
pub struct Blocklist {
    has_common: bool,
    /// Folded and sorted.
    own: Arc<[Box<str>]>,
}

impl Blocklist {
    /// The 42,692 most common passwords of 6 characters or more, which are part of the program: no service is queried. The
    /// list takes no time to load and no memory.
    #[must_use]
    pub fn common() -> Self {
        Self { has_common: true, ..Self::new([]) }
    }

    /// Creates a list of these passwords only, in any order and spelling.
    pub fn new<'a>(passwords: impl IntoIterator<Item = &'a str>) -> Self {
        Self { has_common: false, own: Arc::default() }.with(passwords)
    }

    /// Adds these passwords, such as the names of a company and its products.
    ///
    /// ```
    /// use auth_domain::model::Blocklist;
    ///
    /// let blocklist = Blocklist::common().with(["Contoso", "Contoso2026"]);
    /// ```
    #[must_use]
    pub fn with<'a>(self, passwords: impl IntoIterator<Item = &'a str>) -> Self {
        let folded = passwords.into_iter().map(|password| fold(password).into_boxed_str());
        let mut own: Vec<_> = self.own.iter().cloned().chain(folded).collect();
        own.sort_unstable();
        Self { own: own.into(), ..self }
    }

    fn contains(&self, folded: &str) -> bool {
        self.own.binary_search_by(|own| (**own).cmp(folded)).is_ok()
            || (self.has_common && contains_line(COMMON, folded))
    }

    /// Checks whether a user with these names may set this password.
    ///
    /// # Errors
    /// [`InvalidPassword::Common`] and [`InvalidPassword::OwnName`].
    pub fn judge(&self, password: &Password, names: &Identifiers) -> Result<(), InvalidPassword> {
        let folded = Zeroizing::new(fold(password.text()));
        if self.contains(&folded) {
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

/// Returns whether `wanted` is one of the sorted lines of `text`. The search needs no index, so the list needs no parsing.
fn contains_line(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    let is_end = |byte: &u8| *byte == b'\n';
    // Both are the start of a line, or the end of the text.
    let (mut from, mut to) = (0, text.len());
    while from < to {
        let middle = usize::midpoint(from, to);
        let start = text[from..middle].iter().rposition(is_end).map_or(from, |end| from + end + 1);
        let end = text[middle..to].iter().position(is_end).map_or(to, |end| middle + end);
        match text[start..end].cmp(wanted) {
            Ordering::Equal => return true,
            Ordering::Less => from = end + 1,
            Ordering::Greater => to = start,
        }
    }
    false
}

/// Returns the part of an e-mail address in front of the `@`.
fn local_part(key: &IdentifierKey) -> Option<&str> {
    key.as_str().rsplit_once('@').map(|(local, _)| local)
}

impl fmt::Debug for Blocklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocklist").field("common", &self.has_common).field("own", &self.own.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::model::{EmailAddress, Username};

    fn judge(typed: &str) -> Result<(), InvalidPassword> {
        let password = Password::parse(typed).expect("a password");
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
    fn the_list_matches_its_readme() {
        let page = include_str!("../../data/common_passwords/README.md");
        let digest: [u8; 32] = Sha256::digest(COMMON).into();
        let hex = digest.map(|byte| format!("{byte:02x}")).concat();
        assert!(page.contains(&format!("SHA-256 of passwords.txt: {hex}")), "run scripts/common-passwords");
        let listed: Vec<_> = COMMON.lines().collect();
        assert_eq!(listed.len(), 42_692);
        assert!(listed.is_sorted_by(|one, next| one < next), "sorted, and each once");
        assert!(listed.iter().all(|password| password.chars().count() >= 6));
        assert_eq!(listed.iter().filter(|password| password.chars().count() >= 8).count(), 17_950);
    }

    #[test]
    fn every_common_password_is_found_and_its_neighbours_are_not() {
        for password in COMMON.lines() {
            // Folding is slow without optimisation, and it changes only upper case in ASCII.
            let is_folded_ascii = password.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
            assert!(is_folded_ascii || fold(password) == password, "not folded: {password}");
            assert!(contains_line(COMMON, password), "{password}");
            for neighbour in [format!("{password}\0"), password[..password.floor_char_boundary(5)].to_owned()]
            {
                assert!(!contains_line(COMMON, &neighbour), "{neighbour}");
            }
        }
        for text in ["", "\n", "!", "\u{10ffff}", "123456\n123457"] {
            assert!(!contains_line(COMMON, text), "{text:?}");
        }
    }

    #[test]
    fn common_passwords_are_refused_and_the_documents_examples_not() {
        let names = Identifiers::new(Username::parse("jane_doe").ok(), None).expect("a name");
        let judge = |typed| Blocklist::common().judge(&Password::parse(typed).expect("a password"), &names);
        for typed in ["123456", "password", "PASSWORD1", "iloveyou", "qwertyuiop", "Passw0rd", "1q2w3e4r"] {
            assert_eq!(judge(typed), Err(InvalidPassword::Common), "{typed}");
        }
        for typed in ["P@ssw0rd!", "securePassword123!", "correct horse battery staple"] {
            assert_eq!(judge(typed), Ok(()), "{typed}");
        }
    }

    #[test]
    fn added_passwords_are_refused_like_the_common_ones() {
        let names = Identifiers::new(Username::parse("jane_doe").ok(), None).expect("a name");
        let list = Blocklist::common().with(["Contoso2026"]).with(["Fabrikam"]);
        for typed in ["contoso2026", "FABRIKAM", "iloveyou"] {
            let password = Password::parse(typed).expect("a password");
            assert_eq!(list.judge(&password, &names), Err(InvalidPassword::Common), "{typed}");
            let is_own = Blocklist::new(["Contoso2026", "Fabrikam"]).judge(&password, &names).is_err();
            assert_eq!(is_own, typed != "iloveyou", "{typed}");
        }
    }

    #[test]
    fn an_empty_list_still_rejects_own_names() {
        let names = Identifiers::new(Username::parse("jane_doe").ok(), None).expect("a name");
        let [own_name, common] =
            ["jane_doe", "password"].map(|typed| Password::parse(typed).expect("a password"));
        let empty = Blocklist::new([]);
        assert_eq!(empty.judge(&own_name, &names), Err(InvalidPassword::OwnName));
        assert_eq!(empty.judge(&common, &names), Ok(()));
    }
}
