//! What makes a dialect.

use std::future::ready;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::Method;
use auth_domain::Auth;
use auth_domain::model::{
    Client, EmailAddress, Identifiers, Password, PasswordAttempt, PasswordPolicy, RefreshStyle, Role,
    RoleChoice, Roles, User, Username,
};
use auth_domain::ports::BoxError;
use auth_domain::use_cases::{Identity, LogIn, MissingRole, RefreshSession, Register, TokenGrant};
use futures_util::future::LocalBoxFuture;

use crate::failure::Failure;
use crate::origin::{CorsOrigins, PublicUrl};
use crate::request::Request;

use super::Operation;

/// One way to speak to the service.
pub trait Dialect: Send + Sync {
    /// What is fixed about the dialect.
    fn profile(&self) -> Profile;

    /// The dialect's routes.
    fn routes(&self) -> &'static [Route];

    /// Whether a request for an endpoint that other dialects have at the same path is in this dialect's words.
    ///
    /// The dialects are asked in the order of [`ALL`](super::ALL), and the last of them that are at the path is not
    /// asked: it answers whatever none before it recognises. So the choice is total.
    fn recognises(&self, _endpoint: Endpoint, _request: &Request, _auth: &Auth) -> bool {
        false
    }

    /// Lets a request for one of the dialect's endpoints pass, or says why not, before anything is said of its body; by
    /// default all pass. For a dialect whose every endpoint asks who is calling.
    fn admit<'a>(
        &self,
        _endpoint: Endpoint,
        _context: &'a Context,
        _request: &'a Request,
    ) -> LocalBoxFuture<'a, Result<(), Failure>> {
        Box::pin(ready(Ok(())))
    }

    /// Says in the dialect's words that a request failed; `None` when it reached none of the dialect's endpoints.
    /// Status and body only: headers that follow from the failure are added for all dialects alike.
    fn render(&self, failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse;
}

/// What is fixed about a dialect.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Its name in settings, logs and the `client_id` of its tokens.
    pub name: &'static str,
    /// What marks it, in a sentence.
    pub about: &'static str,
    /// What its paths begin with, unless a setting moves it.
    pub prefix: &'static str,
    /// How its sessions are refreshed.
    pub refresh_style: RefreshStyle,
    /// How long its access tokens live, where its document says so.
    pub access_lifetime: Option<Duration>,
    /// What it asks of a new password; a setting may ask for more.
    pub passwords: PasswordPolicy,
    /// A request that shows a newcomer that the service works: a path after the prefix, and a body to post there. `None`
    /// when a newcomer has nothing yet to call with.
    pub sample: Option<(&'static str, &'static str)>,
}

/// A method and a path that a dialect answers.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path after the dialect's prefix.
    pub path: &'static str,
    /// What it is there for.
    pub endpoint: Endpoint,
    /// What answers it.
    pub handler: Handler,
    /// What it takes and gives.
    pub describe: fn(&PublicTerms<'_>) -> Operation,
}

/// A table of routes: `METHOD "path" => Endpoint, handler, description;`.
macro_rules! routes {
    ($($method:ident $path:literal => $endpoint:ident, $handler:ident, $describe:ident;)*) => {
        &[$($crate::dialects::Route {
            method: ::actix_web::http::Method::$method,
            path: $path,
            endpoint: $crate::dialects::Endpoint::$endpoint,
            handler: |context, request| Box::pin($handler(context, request)),
            describe: $describe,
        }),*]
    };
}
pub(crate) use routes;

/// Answers a request.
pub type Handler = for<'a> fn(&'a Context, &'a Request) -> LocalBoxFuture<'a, Result<HttpResponse, Failure>>;

/// What a route is there for: the same failure may be worded differently from one endpoint to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Somebody becomes a user.
    Register,
    /// A user logs in.
    LogIn,
    /// A session is refreshed.
    Refresh,
    /// A session ends.
    LogOut,
    /// A user is told what is known of them.
    Me,
    /// Something that only users may see.
    ProtectedResource,
    /// A program reads a user.
    GetUser,
    /// A program changes a user.
    UpdateUser,
    /// A program says which roles a user has.
    SetRoles,
    /// A program deletes a user.
    DeleteUser,
}

/// What the settings make of a dialect, as far as its clients can tell.
#[derive(Clone, Copy, Debug)]
pub struct PublicTerms<'a> {
    /// What the dialect's paths begin with.
    pub prefix: &'a str,
    /// What is asked of a new password.
    pub passwords: PasswordPolicy,
    /// What a new user may choose to be.
    pub self_assignable_roles: &'a Roles,
    /// Where clients find the service.
    pub public_url: &'a PublicUrl,
}

/// What a dialect's handlers work with.
#[derive(Clone, Debug)]
pub struct Context {
    /// The use cases, asked on nobody's behalf.
    pub auth: Auth,
    /// Who the dialect's tokens are issued to.
    pub client: Client,
    /// What is asked of a new password.
    pub passwords: PasswordPolicy,
    /// What a new user may do.
    pub default_roles: Roles,
    /// What a new user may choose to be.
    pub self_assignable_roles: Roles,
    /// The role that the protected resource asks for.
    pub required_role: Option<Role>,
    /// What the dialect's paths begin with.
    pub prefix: String,
    /// Where clients find the service.
    pub public_url: PublicUrl,
    /// The other origins whose pages may use the service.
    pub cors_origins: CorsOrigins,
}

impl Context {
    /// The use cases, asked on behalf of whoever sent `request`.
    #[must_use]
    pub fn auth(&self, request: &Request) -> Auth {
        self.auth.called_by(request.caller())
    }

    /// A registration without further attributes, with the default roles.
    ///
    /// # Errors
    /// [`Failure::Internal`] if there is no identifier: every dialect requires one of the two.
    pub fn registration(
        &self,
        username: Option<Username>,
        email: Option<EmailAddress>,
        password: Password,
    ) -> Result<Register, Failure> {
        let identifiers = Identifiers::new(username, email)
            .ok_or_else(|| Failure::Internal(BoxError::from("a registration without an identifier")))?;
        let roles = RoleChoice::Assigned(self.default_roles.clone());
        Ok(Register { identifiers, password, display_name: None, phone_number: None, roles })
    }

    /// Logs a user in.
    ///
    /// # Errors
    /// The failure of the use case.
    pub async fn log_in(
        &self,
        request: &Request,
        identifier: &str,
        password: PasswordAttempt,
    ) -> Result<TokenGrant, Failure> {
        Ok(self.auth(request).log_in(LogIn { client: &self.client, identifier, password }).await?)
    }

    /// Refreshes the session of a credential.
    ///
    /// # Errors
    /// The failure of the use case.
    pub async fn refresh(&self, request: &Request, token: &str) -> Result<TokenGrant, Failure> {
        Ok(self.auth(request).refresh_session(RefreshSession { client: &self.client, token }).await?)
    }

    /// The caller, by the access token.
    ///
    /// # Errors
    /// As for [`Request::bearer`], and the failure of the use case.
    pub async fn authenticate(&self, request: &Request) -> Result<Identity, Failure> {
        let auth = self.auth(request);
        Ok(auth.authenticate_verified(request.verified_token(&auth)?).await?)
    }

    /// The user of the access token, possibly slightly out of date.
    ///
    /// # Errors
    /// As for [`authenticate`](Self::authenticate).
    pub async fn current_user(&self, request: &Request) -> Result<User, Failure> {
        let auth = self.auth(request);
        Ok(auth.current_user_verified(request.verified_token(&auth)?).await?)
    }

    /// Lets nothing pass that the page of another site had a browser send: the browser adds its cookies, and whose
    /// wish it was cannot be told.
    ///
    /// # Errors
    /// [`Failure::CrossSite`].
    pub fn reject_cross_site(&self, request: &Request) -> Result<(), Failure> {
        let is_cross_site = request.is_cross_site(&self.public_url, &self.cors_origins);
        if is_cross_site { Err(Failure::CrossSite) } else { Ok(()) }
    }

    /// Lets only those pass who have the role that the protected resource asks for, if it asks for one.
    ///
    /// # Errors
    /// [`Failure::Forbidden`].
    pub fn require_role(&self, request: &Request, identity: &Identity) -> Result<(), Failure> {
        let Some(role) = &self.required_role else { return Ok(()) };
        self.auth(request).require_role(identity, role).map_err(|MissingRole| Failure::Forbidden)
    }
}
