//! The limits by caller, over the in-memory adapters and under the default policy.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use auth_domain::UseCases;
use auth_domain::model::{
    Caller, Client, ClientId, Identifiers, Limit, Password, PasswordAttempt, RefreshStyle, RequestId,
    Username,
};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{
    LogIn, LogInError, RefreshSession, RefreshSessionError, Register, RegisterError,
};

/// Registers one user for each `use_cases`, and returns how many succeed. The others are throttled.
async fn registered(use_cases: impl Iterator<Item = UseCases>) -> usize {
    let mut count = 0;
    for (number, use_cases) in use_cases.enumerate() {
        let username = Username::parse(&format!("user{number}")).expect("a username");
        let identifiers = Identifiers::new(Some(username), None).expect("a name");
        let register = Register::new(identifiers, Password::parse("correct horse").expect("a password"));
        match use_cases.register(register).await {
            Ok(_) => count += 1,
            Err(RegisterError::TooManyAttempts(throttled)) => {
                assert_eq!(throttled.limit, Limit::Registrations);
            }
            Err(error) => panic!("{error}"),
        }
    }
    count
}

/// A caller whose address the service does not know. Each request has an id of its own.
fn nowhere(number: u64) -> Caller {
    Caller::without_address().with_request(RequestId(number))
}

#[tokio::test]
async fn registrations_without_an_address_share_one_limit() {
    let auth = TestPorts::new().auth();
    assert_eq!(registered((0..300).map(|number| auth.called_by(nowhere(number)))).await, 100);
}

#[tokio::test]
async fn registrations_at_different_addresses_are_counted_apart() {
    let auth = TestPorts::new().auth();
    let callers = (0..300).map(|number| Caller::at([192, 0, 2, u8::try_from(number % 3).expect("small")]));
    assert_eq!(registered(callers.map(|caller| auth.called_by(caller))).await, 300);
}

#[tokio::test]
async fn the_system_registers_without_limit() {
    let auth = TestPorts::new().auth();
    assert_eq!(registered((0..300).map(|_| auth.on_behalf_of_system())).await, 300);
}

fn client() -> Client {
    Client::new(ClientId::from_static("test"), RefreshStyle::Rotating)
}

/// Fails 40 log-ins, each at another account, and returns the number that was compared.
async fn compared_log_ins(use_cases: impl Fn(u64) -> UseCases) -> usize {
    let client = client();
    let mut compared = 0;
    for number in 0..40 {
        let identifier = format!("user{number}");
        let password = PasswordAttempt::new("wrong horse");
        let command = LogIn::new(&client, &identifier, password);
        match use_cases(number).log_in(command).await {
            Err(LogInError::InvalidCredentials) => compared += 1,
            Err(LogInError::TooManyAttempts(throttled)) => assert_eq!(throttled.limit, Limit::LogIns),
            other => panic!("{other:?}"),
        }
    }
    compared
}

#[tokio::test]
async fn failed_logins_without_an_address_share_one_limit() {
    let auth = TestPorts::new().auth();
    assert_eq!(compared_log_ins(|number| auth.called_by(nowhere(number))).await, 30);
    assert_eq!(compared_log_ins(|_| auth.on_behalf_of_system()).await, 40);
}

/// Fails 200 refreshes, and returns the number that was not throttled.
async fn judged_refreshes(use_cases: impl Fn(u64) -> UseCases) -> usize {
    let client = client();
    let mut judged = 0;
    for number in 0..200 {
        let command = RefreshSession::new(&client, "nonsense");
        match use_cases(number).refresh_session(command).await {
            Err(RefreshSessionError::InvalidToken) => judged += 1,
            Err(RefreshSessionError::TooManyAttempts(throttled)) => {
                assert_eq!(throttled.limit, Limit::Refreshes);
            }
            other => panic!("{other:?}"),
        }
    }
    judged
}

#[tokio::test]
async fn failed_refreshes_without_an_address_share_one_limit() {
    let auth = TestPorts::new().auth();
    assert_eq!(judged_refreshes(|number| auth.called_by(nowhere(number))).await, 150);
    assert_eq!(judged_refreshes(|_| auth.on_behalf_of_system()).await, 200);
}
