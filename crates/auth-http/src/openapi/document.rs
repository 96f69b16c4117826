//! Builds the OpenAPI document of a dialect.

use actix_web::http::Method;
use serde_json::json;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    Components, ContactBuilder, Content, ContentBuilder, Info, InfoBuilder, LicenseBuilder, ObjectBuilder,
    OpenApi, OpenApiBuilder, RefOr, Required, Response, ResponseBuilder, SchemaFormat, SecurityRequirement,
    Server, ServerBuilder, Type, path,
};

use crate::dialects::{BodyDoc, BodySchema, Dialect, Endpoint, Operation, Profile, PublicTerms, Route};
use crate::origin::PublicUrl;

use super::failures;

const JSON: &str = "application/json";
const BEARER: &str = "bearerAuth";
const API_KEY: &str = "apiKey";
const COOKIE: &str = "refreshCookie";

/// The document of a dialect under the given settings. `public_url` is `None` unless an operator set it: the server is
/// then the one that served the document.
#[must_use]
pub fn document(dialect: &dyn Dialect, terms: &PublicTerms, public_url: Option<&PublicUrl>) -> OpenApi {
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
        .info(info(&dialect.profile(), public_url))
        .servers(Some(servers(public_url)))
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

/// What holds for every operation of every dialect.
const CONVENTIONS: &str = "A request body is a JSON object in UTF-8 of at most 16 KiB. The service ignores members that \
    its schema does not have. Times are RFC 3339 times in UTC, in whole seconds. A failed request is answered with a JSON \
    body. The header `Retry-After` of a response with status 429 or 503 contains the seconds to wait.";

fn info(profile: &Profile, public_url: Option<&PublicUrl>) -> Info {
    // An SPDX expression. The schema of OpenAPI 3.1 requires `identifier` or `url` in a licence.
    let license = LicenseBuilder::new()
        .name(env!("CARGO_PKG_LICENSE"))
        .identifier(Some(env!("CARGO_PKG_LICENSE")))
        .build();
    // The overview page of the service is at `/`.
    let contact = ContactBuilder::new()
        .name(Some("The operator of the service"))
        .url(public_url.map(|url| format!("{url}/")))
        .build();
    InfoBuilder::new()
        .title(format!("Authentication service: {}", profile.name))
        .description(Some(format!("{}\n\n{CONVENTIONS}", profile.about)))
        .version(env!("CARGO_PKG_VERSION"))
        .contact(Some(contact))
        .license(Some(license))
        .build()
}

/// Clients use the first server. The second one is for the API reference of a service that is opened under another name:
/// that page may call only its own server.
fn servers(public_url: Option<&PublicUrl>) -> Vec<Server> {
    let public = public_url.map(|url| (url.as_str(), "The public URL of the service."));
    let all = public.into_iter().chain([("/", "The server of this document.")]);
    all.map(|(url, text)| ServerBuilder::new().url(url).description(Some(text)).build()).collect()
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
    let parameters = parameters(route).chain(operation.scope.map(|_| end_user_address()));
    let described = parameters.fold(described, OperationBuilder::parameter);
    let failures = failures::responses(dialect, route, operation).into_iter();
    let described =
        failures.fold(described, |described, (status, response)| described.response(status, response));
    let mut described = described.build();
    for (status, example) in &operation.set_cookies {
        if let Some(RefOr::T(response)) = described.responses.responses.get_mut(status.as_str()) {
            let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String).build());
            header.description = Some("Sets or clears the cookie with the refresh token.".to_owned());
            header.example = Some(json!(example));
            response.headers.insert("set-cookie".to_owned(), header.into());
        }
    }
    described
}

/// The description of an operation, and the scope that it requires.
fn description(operation: &Operation) -> Option<String> {
    let scope = operation.scope.map(|scope| format!("The API key needs the scope `{}`.", scope.as_str()));
    let texts = [operation.description.map(str::to_owned), scope].into_iter().flatten();
    texts.reduce(|text, scope| text + " " + &scope)
}

const TAGS: [(&str, &str); 3] = [
    ("users", "Registers users and returns their data."),
    ("sessions", "Opens, refreshes and ends the sessions of users."),
    ("resources", "Returns data to callers with an access token."),
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
            .description(Some("The `id` of the user, a UUID."))
            .schema(Some(uuid))
            .build()
    })
}

/// The header in which the holder of an API key reports the address of the end user.
fn end_user_address() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(ip_addresses()))
        .examples([json!("198.51.100.7")]);
    ParameterBuilder::new()
        .name("X-End-User-Address")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "The IP address of the end user on whose behalf the program calls. Limits and the audit trail use it. In a list, \
             the right-most address counts that is neither a trusted proxy nor the program itself.",
        ))
        .schema(Some(text))
        .build()
}

/// The regular expression of a list of IP addresses.
fn ip_addresses() -> String {
    let byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let part = "[0-9A-Fa-f]{1,4}";
    let whole = format!("({part}:){{7}}{part}");
    let shortened = (1..=6).map(|left| format!("({part}:){{1,{left}}}(:{part}){{1,{}}}", 7 - left));
    let at_an_end = format!("({part}:){{1,7}}:|:(:{part}){{1,7}}|::");
    let six = shortened.chain([whole, at_an_end]).collect::<Vec<_>>().join("|");
    let address = format!("({byte}(\\.{byte}){{3}}|{six})");
    format!("^{address}( *, *{address})*$")
}

fn request_body(body: &BodyDoc) -> RequestBody {
    RequestBodyBuilder::new()
        .description(body.schema.description())
        .required(Some(Required::True))
        .content(JSON, content(body))
        .build()
}

fn success(operation: &Operation) -> Response {
    let response = ResponseBuilder::new();
    match &operation.response {
        Some(body) => {
            let reason = operation.status.canonical_reason().unwrap_or_default();
            let text = body.schema.description().unwrap_or(reason);
            response.description(text).content(JSON, content(body)).build()
        }
        None => response.description("The request is done. The response has no body.").build(),
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
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("An access token, from the response to a login or a refresh."));
        components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    }
    if operation.scope.is_some() {
        let key = ApiKeyValue::with_description(
            "X-API-Key",
            "An API key. The operator creates it with `auth-http api-key create`.",
        );
        components.add_security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
    if let Some(name) = operation.cookie {
        let cookie = ApiKeyValue::with_description(
            name,
            "The refresh token. A login sets the cookie, and scripts cannot read it.",
        );
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
