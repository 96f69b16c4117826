//! A complete program on the in-memory adapters: register, log in, refresh, log out.
//!
//! ```text
//! cargo run -p auth-domain --example embed --features testing
//! ```

use std::error::Error;
use std::io::{self, Write as _};

use auth_domain::model::{
    Caller, Client, ClientId, Identifiers, Password, PasswordAttempt, RefreshStyle, RoleChoice, Roles,
    Username,
};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{LogIn, LogOut, RefreshSession, Register};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // A service creates `Auth` once, and the use cases for each request with the address of its client.
    let auth = TestPorts::new().auth().called_by(Caller::at([192, 0, 2, 1]));
    let client = Client::new(ClientId::from_static("my-program"), RefreshStyle::Rotating);
    let mut out = io::stdout().lock();

    // Parsers validate all input, so that use cases accept valid values only.
    let identifiers = Identifiers::from(Username::parse("jane")?);
    let register = Register::new(identifiers, Password::parse("correct horse battery staple")?)
        .with_roles(RoleChoice::Assigned(Roles::parse("customer")?));
    let user = auth.register(register).await?;
    writeln!(out, "registered {} as number {}", user.id, user.number)?;

    // Identifiers are compared without case.
    let password = PasswordAttempt::new("correct horse battery staple");
    let login = auth.log_in(LogIn::new(&client, "JANE", password)).await?;
    let identity = auth.authenticate(login.access_token.expose()).await?;
    writeln!(out, "authenticated {} with roles {}", identity.user_id, identity.roles)?;

    // A refresh consumes the token and returns its successor.
    let token = login.refresh_token.ok_or("a rotating client gets a refresh token")?;
    let refreshed = auth.refresh_session(RefreshSession::new(&client, token.expose())).await?;
    writeln!(out, "refreshed; the access token expires in {} seconds", refreshed.expires_in.as_secs())?;

    auth.log_out(LogOut::Session(refreshed.session_id)).await?;
    // The access token has not expired, but its session has ended.
    let is_rejected = auth.authenticate(refreshed.access_token.expose()).await.is_err();
    writeln!(out, "logged out; the access token is rejected: {is_rejected}")?;
    Ok(())
}
