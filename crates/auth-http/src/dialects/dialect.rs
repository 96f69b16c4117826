//! The interface of a dialect: its profile, its routes, and the context of its handlers.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::Method;
use auth_domain::model::{
    Client, EmailAddress, Identifiers, Password, PasswordAttempt, RefreshStyle, Role, Roles, Scope, User,
    Username,
};
use auth_domain::ports::BoxError;
use auth_domain::use_cases::{LogIn, RefreshSession, Register, TokenGrant};
use auth_domain::{Auth, UseCases};
use futures_util::future::LocalBoxFuture;

use crate::failure::Failure;
use crate::origin::{PublicUrl, TrustedProxies};
use crate::request::{MinPasswordLength, Request};
use crate::web_origin::OriginPolicy;

use super::Operation;

/// One HTTP API of the service.
pub trait Dialect: Send + Sync {
    /// The fixed properties of the dialect.
    fn profile(&self) -> Profile;

    fn routes(&self) -> &'static [Route];

    /// Whether the dialect authenticates with a cookie. Pages of apps, whose origins do not identify the app, may then not
    /// call it.
    fn uses_cookie(&self) -> bool {
        false
    }

    /// Whether a request belongs to this dialect, where several dialects serve the same endpoint at the same path.
    ///
    /// The router calls this in the order of [`ALL`](super::ALL), except for the last dialect at the path. That one
    /// gets every request that no other dialect recognises, so each request has exactly one dialect.
    fn recognises(&self, _endpoint: Endpoint, _request: &Request, _context: &Context) -> bool {
        false
    }

    /// The scope of the API key that an endpoint requires. `None` if it requires no API key.
    ///
    /// The key is checked before anything else of the request. So a caller without a key learns nothing, not even which
    /// users exist.
    fn required_scope(&self, _endpoint: Endpoint) -> Option<Scope> {
        None
    }

    /// The answer to a failed request, in the dialect's envelope. `endpoint` is `None` if the request reached no
    /// endpoint.
    ///
    /// Sets only status and body. The caller adds the headers that follow from the failure, which are the same in all
    /// dialects.
    fn render(&self, failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse;
}

/// The fixed properties of a dialect.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name in settings and logs, and the `client_id` of its tokens.
    pub name: &'static str,
    /// The distinguishing features, in one sentence. The OpenAPI document shows it.
    pub about: &'static str,
    /// The default path prefix; a setting can replace it.
    pub prefix: &'static str,
    pub refresh_style: RefreshStyle,
    /// The lifetime of access tokens, if the dialect's document prescribes one.
    pub access_lifetime: Option<Duration>,
    /// The minimum length of a new password; a setting can raise it.
    pub min_password_length: MinPasswordLength,
    /// A `POST` that the front page shows to new users: a path after the prefix, and a JSON body. `None` if every
    /// request needs a credential that a new user does not have.
    pub sample: Option<(&'static str, &'static str)>,
}

/// One method and path of a dialect.
pub struct Route {
    pub method: Method,
    /// The path after the dialect's prefix.
    pub path: &'static str,
    pub endpoint: Endpoint,
    pub handler: Handler,
    /// Describes the route for OpenAPI.
    pub describe: fn(&PublicTerms) -> Operation,
}

/// Builds a table of routes from lines of the form `METHOD "path" => Endpoint, handler, description;`.
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

/// The function that answers the requests of a route.
pub type Handler = for<'a> fn(&'a Context, &'a Request) -> LocalBoxFuture<'a, Result<HttpResponse, Failure>>;

/// The purpose of a route. A dialect can word the same failure differently for different endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Register,
    LogIn,
    Refresh,
    LogOut,
    /// Returns the user of the access token.
    Me,
    /// A sample resource that requires an access token, and optionally a role.
    ProtectedResource,
    /// Returns any user. This endpoint and those below require an API key.
    GetUser,
    UpdateUser,
    SetRoles,
    DeleteUser,
}

/// The settings of a dialect that its clients can observe.
#[derive(Clone, Debug)]
pub struct PublicTerms {
    /// The path prefix.
    pub prefix: String,
    pub min_password_length: MinPasswordLength,
    /// The roles that a new user may request.
    pub self_assignable_roles: Roles,
    /// The external URL of the service.
    pub public_url: PublicUrl,
}

/// The dependencies and settings of a dialect's handlers.
#[derive(Clone, Debug)]
pub struct Context {
    /// The service. Handlers use [`Context::auth`] instead.
    pub auth: Auth,
    /// The client that tokens are issued to.
    pub client: Client,
    pub terms: PublicTerms,
    /// The role that the protected resource requires.
    pub required_role: Option<Role>,
    /// Which pages may use the cookie.
    pub origins: Arc<OriginPolicy>,
    /// The proxies whose forwarding headers are trusted.
    pub trusted_proxies: TrustedProxies,
}

impl Context {
    /// The use cases, on behalf of the caller of `request`. The attempt limits and the audit log depend on the caller.
    #[must_use]
    pub fn auth(&self, request: &Request) -> UseCases {
        let auth = self.auth.called_by(request.caller());
        request.authenticated_key().map_or_else(|| auth.clone(), |key| auth.with_api_key(key))
    }

    /// Requires an API key with `scope`, which becomes part of the caller, and so does the end user that its holder reports.
    pub(super) async fn require_api_key(&self, request: &Request, scope: Scope) -> Result<(), Failure> {
        let key = self.auth(request).authenticate_api_key(request.api_key()?, scope).await?;
        request.set_authenticated_key(key);
        request.accept_end_user(&self.trusted_proxies)
    }

    /// A registration with the default roles and without optional attributes.
    ///
    /// # Errors
    /// [`Failure::Internal`] without an identifier. That is a bug, because the body of every dialect requires one.
    pub fn registration(
        &self,
        username: Option<Username>,
        email: Option<EmailAddress>,
        password: Password,
    ) -> Result<Register, Failure> {
        let identifiers = Identifiers::new(username, email)
            .ok_or_else(|| Failure::Internal(BoxError::from("a registration without an identifier")))?;
        Ok(Register::new(identifiers, password))
    }

    /// # Errors
    /// The failure of the use case.
    pub async fn log_in(
        &self,
        request: &Request,
        identifier: &str,
        password: PasswordAttempt,
    ) -> Result<TokenGrant, Failure> {
        Ok(self.auth(request).log_in(LogIn::new(&self.client, identifier, password)).await?)
    }

    /// # Errors
    /// The failure of the use case.
    pub async fn refresh(&self, request: &Request, token: &str) -> Result<TokenGrant, Failure> {
        Ok(self.auth(request).refresh_session(RefreshSession::new(&self.client, token)).await?)
    }

    /// The user of the access token. The data can come from the user cache and be slightly out of date.
    ///
    /// # Errors
    /// As for [`Request::bearer`], and the failure of the use case.
    pub async fn current_user(&self, request: &Request) -> Result<User, Failure> {
        let auth = self.auth(request);
        Ok(auth.current_user_verified(request.verified_token(&auth)?).await?)
    }
}
