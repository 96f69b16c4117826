//! Builds the OpenAPI document of a dialect.

use actix_web::http::Method;
use serde_json::json;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    Components, Content, ContentBuilder, Info, InfoBuilder, License, ObjectBuilder, OpenApi, OpenApiBuilder,
    RefOr, Required, Response, ResponseBuilder, SchemaFormat, SecurityRequirement, Server, Type, path,
};

use crate::dialects::{BodyDoc, BodySchema, Dialect, Endpoint, Operation, Profile, PublicTerms, Route};

use super::failures;

const JSON: &str = "application/json";
const BEARER: &str = "bearerAuth";
const API_KEY: &str = "apiKey";
const COOKIE: &str = "refreshCookie";

/// The document of a dialect under the given settings.
#[must_use]
pub fn document(dialect: &dyn Dialect, terms: &PublicTerms) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = Components::new();
    for route in dialect.routes() {
        let scope = dialect.required_scope(route.endpoint);
        let operation = Operation { scope, ..(route.describe)(terms) };
        add_security_schemes(&mut components, &operation);
        let path = format!("{}{}", terms.prefix, route.path);
        paths.add_path_operation(path, vec![method(&route.method)], describe(dialect, route, &operation));
        let Operation { body, response, error, .. } = operation;
        let bodies = [body, response].into_iter().flatten().map(|body| body.schema);
        components.schemas.extend(bodies.chain([error]).flat_map(BodySchema::into_schemas));
    }
    OpenApiBuilder::new()
        .info(info(&dialect.profile()))
        .servers(Some([Server::new("/")]))
        .tags(Some(tags(dialect)))
        .paths(paths)
        .components(Some(components))
        .build()
}

/// A document as indented JSON with a final newline. `None` if serialization fails.
#[must_use]
pub fn to_json(document: &OpenApi) -> Option<String> {
    document.to_pretty_json().ok().map(|json| json + "\n")
}

fn info(profile: &Profile) -> Info {
    InfoBuilder::new()
        .title(format!("Authentication service: {}", profile.name))
        .description(Some(profile.about))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(License::new(env!("CARGO_PKG_LICENSE"))))
        .build()
}

fn describe(dialect: &dyn Dialect, route: &Route, operation: &Operation) -> path::Operation {
    let (operation_id, tag) = operation_id_and_tag(route.endpoint);
    let described = OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(operation_id))
        .summary(Some(operation.summary))
        .description(description(operation))
        .request_body(operation.body.as_ref().map(request_body))
        .securities(Some(security(operation)))
        .response(operation.status.as_str(), success(operation));
    let described = parameters(route).fold(described, OperationBuilder::parameter);
    let failures = failures::responses(dialect, route, operation).into_iter();
    let described =
        failures.fold(described, |described, (status, response)| described.response(status, response));
    let mut described = described.build();
    for (status, example) in &operation.set_cookies {
        if let Some(RefOr::T(response)) = described.responses.responses.get_mut(status.as_str()) {
            let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String).build());
            header.example = Some(json!(example));
            response.headers.insert("set-cookie".to_owned(), header.into());
        }
    }
    described
}

/// The description of an operation, and the scope that it requires.
fn description(operation: &Operation) -> Option<String> {
    let scope = operation.scope.map(|scope| format!("The key needs the scope `{}`.", scope.as_str()));
    match (operation.description, scope) {
        (Some(text), Some(scope)) => Some(format!("{text} {scope}")),
        (text, scope) => scope.or(text.map(str::to_owned)),
    }
}

const TAGS: [(&str, &str); 3] = [
    ("users", "Registration and user data."),
    ("sessions", "Login, refresh and logout."),
    ("resources", "Resources that require an access token."),
];

/// The tags that the dialect's operations use.
fn tags(dialect: &dyn Dialect) -> impl Iterator<Item = Tag> {
    let used = TAGS.into_iter().filter(|(name, _)| {
        dialect.routes().iter().any(|route| operation_id_and_tag(route.endpoint).1 == *name)
    });
    used.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())
}

fn operation_id_and_tag(endpoint: Endpoint) -> (&'static str, &'static str) {
    match endpoint {
        Endpoint::Register => ("register", "users"),
        Endpoint::LogIn => ("logIn", "sessions"),
        Endpoint::Refresh => ("refresh", "sessions"),
        Endpoint::LogOut => ("logOut", "sessions"),
        Endpoint::Me => ("getCurrentUser", "users"),
        Endpoint::ProtectedResource => ("getProtectedResource", "resources"),
        Endpoint::GetUser => ("getUser", "users"),
        Endpoint::UpdateUser => ("updateUser", "users"),
        Endpoint::SetRoles => ("setRoles", "users"),
        Endpoint::DeleteUser => ("deleteUser", "users"),
    }
}

/// The path parameters. Each of them is the id of a user.
fn parameters(route: &Route) -> impl Iterator<Item = Parameter> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        let uuid = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .examples([json!("550e8400-e29b-41d4-a716-446655440000")]);
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The user's `id`."))
            .schema(Some(uuid))
            .build()
    })
}

fn request_body(body: &BodyDoc) -> RequestBody {
    RequestBodyBuilder::new().required(Some(Required::True)).content(JSON, content(body)).build()
}

fn success(operation: &Operation) -> Response {
    let reason = operation.status.canonical_reason().unwrap_or_default();
    let response = ResponseBuilder::new().description(reason);
    match &operation.response {
        Some(body) => response.content(JSON, content(body)).build(),
        None => response.build(),
    }
}

fn content(body: &BodyDoc) -> Content {
    ContentBuilder::new().schema(Some(body.schema.reference())).example(Some(body.example.clone())).build()
}

/// The alternatives of credentials: a request must satisfy one of them completely. An empty list documents that the
/// operation is public.
fn security(operation: &Operation) -> Vec<SecurityRequirement> {
    let mut requirements = Vec::new();
    if operation.scope.is_some() {
        requirements.push(requirement(API_KEY));
    }
    if operation.takes_bearer {
        requirements.push(requirement(BEARER));
    }
    match operation.cookie {
        Some(_) if operation.takes_bearer => requirements.push(requirement(BEARER).add(COOKIE, NO_SCOPES)),
        Some(_) => requirements.push(requirement(COOKIE)),
        None => {}
    }
    requirements
}

/// OpenAPI has scopes only for OAuth 2 and `OpenID` Connect.
const NO_SCOPES: [String; 0] = [];

fn requirement(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, NO_SCOPES)
}

fn add_security_schemes(components: &mut Components, operation: &Operation) {
    if operation.takes_bearer {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    }
    if operation.scope.is_some() {
        let key = ApiKeyValue::with_description("X-API-Key", "Created with `auth-http api-key create`.");
        components.add_security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
    if let Some(name) = operation.cookie {
        let cookie = ApiKeyValue::with_description(name, "Set at login. Scripts cannot read it.");
        components.add_security_scheme(COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Converts a method. OpenAPI lacks `CONNECT` and extension methods; they become `TRACE`, which no dialect serves.
fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        Method::PATCH => HttpMethod::Patch,
        Method::HEAD => HttpMethod::Head,
        Method::OPTIONS => HttpMethod::Options,
        _ => HttpMethod::Trace,
    }
}
