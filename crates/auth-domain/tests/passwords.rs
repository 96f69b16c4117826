//! The password policy holds in every use case that stores a new password, whatever the caller has checked.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use auth_domain::UseCases;
use auth_domain::model::{
    Blocklist, Caller, Identifiers, InvalidPassword, Password, PasswordAttempt, User, Username,
};
use auth_domain::policy::Policy;
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{
    ChangePassword, ChangePasswordError, Register, RegisterError, UpdateUser, UpdateUserError,
};

const ACCEPTED: &str = "correct horse";

/// Passwords that the default policy refuses, for a user named `jane_doe`.
const REFUSED: [(&str, InvalidPassword); 5] = [
    ("", InvalidPassword::TooShort { min: 8 }),
    ("a", InvalidPassword::TooShort { min: 8 }),
    ("7 chars", InvalidPassword::TooShort { min: 8 }),
    ("iloveyou", InvalidPassword::Common),
    ("Jane_Doe", InvalidPassword::OwnName),
];

async fn register(auth: &UseCases, typed: &str) -> Result<User, RegisterError> {
    let username = Username::parse("jane_doe").expect("a username");
    let identifiers = Identifiers::new(Some(username), None).expect("a name");
    let password = Password::parse(typed).expect("no longer than a password may be");
    auth.register(Register::new(identifiers, password)).await
}

async fn change(auth: &UseCases, user: &User, current: &str, new: &str) -> Result<(), ChangePasswordError> {
    let new = Password::parse(new).expect("no longer than a password may be");
    auth.change_password(ChangePassword::new(user.id, PasswordAttempt::new(current), new)).await
}

async fn update(auth: &UseCases, user: &User, typed: &str) -> Result<User, UpdateUserError> {
    let password = Password::parse(typed).expect("no longer than a password may be");
    auth.update_user(user.id, UpdateUser::new().with_password(password)).await
}

#[tokio::test]
async fn no_use_case_stores_a_password_against_the_default_policy() {
    let root = TestPorts::new().auth();
    for auth in [root.called_by(Caller::at([192, 0, 2, 1])), root.on_behalf_of_system()] {
        for (typed, expected) in REFUSED {
            let error = register(&auth, typed).await.expect_err("refused");
            assert!(matches!(error, RegisterError::Password(found) if found == expected), "{typed}: {error}");
        }
    }
    let auth = root.on_behalf_of_system();
    let jane = register(&auth, ACCEPTED).await.expect("registered");
    for (typed, expected) in REFUSED {
        let error = change(&auth, &jane, ACCEPTED, typed).await.expect_err("refused");
        assert!(
            matches!(error, ChangePasswordError::Password(found) if found == expected),
            "{typed}: {error}"
        );
        let error = update(&auth, &jane, typed).await.expect_err("refused");
        assert!(matches!(error, UpdateUserError::Password(found) if found == expected), "{typed}: {error}");
    }
    change(&auth, &jane, ACCEPTED, "another horse").await.expect("the first password has not changed");
}

#[tokio::test]
async fn a_policy_may_permit_shorter_and_common_passwords() {
    let mut policy = Policy::default();
    policy.passwords.min_length = 3;
    policy.passwords.blocklist = None;
    let root = TestPorts::new().auth_under(policy);
    let auth = root.on_behalf_of_system();
    assert!(register(&auth, "ab").await.is_err());
    let jane = register(&auth, "abc").await.expect("registered");
    change(&auth, &jane, "abc", "jane_doe").await.expect("the name is permitted");
    update(&auth, &jane, "password").await.expect("a common password is permitted");
}

#[tokio::test]
async fn a_policy_may_add_passwords_to_the_common_ones() {
    let mut policy = Policy::default();
    policy.passwords.blocklist = Some(Blocklist::common().with(["contoso2026"]));
    let root = TestPorts::new().auth_under(policy);
    let auth = root.on_behalf_of_system();
    for typed in ["Contoso2026", "iloveyou"] {
        let error = register(&auth, typed).await.expect_err("refused");
        assert!(matches!(error, RegisterError::Password(InvalidPassword::Common)), "{error}");
    }
    register(&auth, ACCEPTED).await.expect("registered");
}
