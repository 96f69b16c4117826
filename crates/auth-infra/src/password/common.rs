//! The most common passwords.

/// One per line. Their source is in the README of that folder.
const LIST: &str = include_str!("../../data/common_passwords/passwords.txt");

/// The 42,692 most common passwords of 6 characters or more, in lower case: what a
/// [`Blocklist`](auth_domain::model::Blocklist) is made of. They are part of the binary, so no service is queried.
pub fn common_passwords() -> impl Iterator<Item = &'static str> {
    LIST.lines()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use auth_domain::model::{Blocklist, Identifiers, InvalidPassword, Password, PasswordPolicy, Username};
    use aws_lc_rs::digest::{SHA256, digest};

    use super::*;

    #[test]
    fn the_list_matches_its_readme() {
        let page = include_str!("../../data/common_passwords/README.md");
        let hex = digest(&SHA256, LIST.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        assert!(page.contains(&format!("SHA-256 of passwords.txt: {hex}")), "run scripts/common-passwords");
        let listed: Vec<_> = common_passwords().collect();
        assert_eq!(listed.len(), 42_692);
        assert!(listed.is_sorted_by(|one, next| one < next), "sorted, and each once");
        assert!(listed.iter().all(|password| password.chars().count() >= 6));
        assert_eq!(listed.iter().filter(|password| password.chars().count() >= 8).count(), 17_950);
    }

    #[test]
    fn common_passwords_are_refused_and_the_documents_examples_not() {
        let blocklist = Blocklist::new(common_passwords());
        let names = Identifiers::new(Username::parse("jane_doe").ok(), None).expect("a name");
        let judge = |typed| {
            let password = Password::parse(typed, PasswordPolicy { min_length: 6 }).expect("a password");
            blocklist.judge(&password, &names)
        };
        for typed in ["123456", "password", "PASSWORD1", "iloveyou", "qwertyuiop", "Passw0rd", "1q2w3e4r"] {
            assert_eq!(judge(typed), Err(InvalidPassword::Common), "{typed}");
        }
        for typed in ["P@ssw0rd!", "securePassword123!", "correct horse battery staple"] {
            assert_eq!(judge(typed), Ok(()), "{typed}");
        }
    }
}
