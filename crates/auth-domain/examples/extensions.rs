//! Changes the rules without a fork: metadata, extra claims, hooks, a password rule and self-assignable roles. Run it with
//! `cargo run -p auth-domain --example extensions --features testing`.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::Auth;
use auth_domain::model::{
    AuditedCaller, Caller, ClaimName, Client, ClientId, ExtraClaims, Identifiers, Metadata, NewUser,
    Password, PasswordAttempt, RefreshStyle, RefusalCode, RoleChoice, Roles, Session, User, Username,
};
use auth_domain::policy::Policy;
use auth_domain::ports::{ClaimsSource, HookDecision, Hooks, PasswordRule, PortError, RuleVerdict};
use auth_domain::testing::TestPorts; // in production: your own adapters, or those of `auth-infra`
use auth_domain::use_cases::{LogIn, LogInError, Register, RegisterError};

/// Adds the tenant to access tokens. This program keeps it in the metadata of its users.
struct TenantClaim;

#[async_trait]
impl ClaimsSource for TenantClaim {
    async fn extra_claims(&self, user: &User, _client: &Client) -> Result<ExtraClaims, PortError> {
        match user.metadata.as_ref().map(Metadata::as_str) {
            Some(tenant) => Ok(ExtraClaims::default().with(ClaimName::parse("tenant")?, tenant)?),
            None => Ok(ExtraClaims::default()),
        }
    }
}

/// Rejects passwords that a data breach has revealed. A real rule asks a service by the start of a digest.
struct NotBreached;

#[async_trait]
impl PasswordRule for NotBreached {
    async fn judge(&self, password: &Password, _names: &Identifiers) -> Result<RuleVerdict, PortError> {
        let is_breached = password.expose() == b"correct horse battery staple";
        Ok(if is_breached {
            RuleVerdict::Reject("must not be in a known data breach")
        } else {
            RuleVerdict::Accept
        })
    }
}

const NO_TENANT: RefusalCode = RefusalCode::from_static("no_tenant");
const TENANT_CLOSED: RefusalCode = RefusalCode::from_static("tenant_closed");

/// Registers and admits the users of open tenants only.
struct OpenTenants;

#[async_trait]
impl Hooks for OpenTenants {
    async fn before_registration(
        &self,
        user: &NewUser,
        _caller: &AuditedCaller,
    ) -> Result<HookDecision, PortError> {
        Ok(if user.metadata.is_some() { HookDecision::Allow } else { HookDecision::Refuse(NO_TENANT) })
    }

    async fn before_session(
        &self,
        user: &User,
        _client: &Client,
        _caller: &AuditedCaller,
    ) -> Result<HookDecision, PortError> {
        let is_closed = user.metadata.as_ref().is_some_and(|tenant| tenant.as_str() == "closed");
        Ok(if is_closed { HookDecision::Refuse(TENANT_CLOSED) } else { HookDecision::Allow })
    }

    async fn after_replay(&self, session: &Session, _caller: &AuditedCaller) {
        // A real hook passes the news on, for example to a queue of e-mails.
        let _ = session.user_id;
    }
}

fn policy() -> Result<Policy, Box<dyn Error>> {
    let mut policy = Policy::default();
    policy.registration.default_roles = Roles::parse("customer")?;
    policy.registration.self_assignable_roles = Roles::parse("seller")?; // never `admin`
    Ok(policy)
}

/// Registers a user of a tenant, who requests a role.
async fn register(
    auth: &Auth,
    name: &str,
    password: &str,
    tenant: Option<&str>,
    role: &str,
) -> Result<Result<User, RegisterError>, Box<dyn Error>> {
    let identifiers = Identifiers::from(Username::parse(name)?);
    let mut command =
        Register::new(identifiers, Password::parse(password)?).with_roles(RoleChoice::requested(role));
    command.metadata = tenant.map(Metadata::parse).transpose()?;
    Ok(auth.called_by(Caller::at([192, 0, 2, 1])).register(command).await)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout().lock()).await
}

/// Registers and logs users in, and writes what happens.
pub(crate) async fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let auth = TestPorts::new()
        .auth_under(policy()?)
        .with_claims_source(Arc::new(TenantClaim))
        .with_hooks(Arc::new(OpenTenants))
        .with_password_rule(Arc::new(NotBreached));
    let client = Client::new(ClientId::from_static("my-program"), RefreshStyle::Rotating);

    let good = "a better password";
    for (name, password, tenant, role) in [
        ("jane", good, Some("acme"), "seller"),
        ("john", good, Some("closed"), "seller"),
        ("mary", good, Some("acme"), "admin"),
        ("mary", good, None, "seller"),
        ("mary", "correct horse battery staple", Some("acme"), "seller"),
    ] {
        match register(&auth, name, password, tenant, role).await? {
            Ok(user) => writeln!(out, "registered {name} with the role {}", user.roles)?,
            Err(error) => writeln!(out, "did not register {name}: {error}")?,
        }
    }

    for identifier in ["jane", "john"] {
        let command = LogIn::new(&client, identifier, PasswordAttempt::new(good));
        let use_cases = auth.called_by(Caller::at([192, 0, 2, 1]));
        match use_cases.log_in(command).await {
            Ok(login) => {
                let identity = use_cases.authenticate(login.access_token.expose()).await?;
                let tenant = identity.extra_claims.text("tenant").ok_or("the token names the tenant")?;
                writeln!(out, "logged {identifier} in for the tenant {tenant}")?;
            }
            Err(LogInError::Refused(code)) => writeln!(out, "refused to log {identifier} in: {code}")?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
