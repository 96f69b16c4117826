//! The description of a route for OpenAPI.

use actix_web::http::StatusCode;
use auth_domain::model::{Roles, Scope};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::Object;
use utoipa::openapi::schema::{SchemaType, Type};

use super::schema::BodySchema;

/// The description of a route: its request, its credentials, and its successful response.
///
/// Failures are not part of it. [`openapi`](crate::openapi) lets the dialect render them.
///
/// ```
/// use actix_web::http::StatusCode;
/// use auth_http::dialects::Operation;
/// use serde_json::json;
/// use utoipa::ToSchema;
///
/// #[derive(ToSchema)]
/// struct Greeting {
///     /// The name to greet.
///     #[schema(min_length = 1)]
///     name: String,
/// }
///
/// let greet = Operation::returning::<String, String>(StatusCode::OK, json!("Hello, Jane!"))
///     .summary("Greet by name")
///     .body::<Greeting>(json!({"name": "Jane"}));
/// ```
#[must_use]
pub struct Operation {
    pub(crate) summary: &'static str,
    pub(crate) description: Option<&'static str>,
    pub(crate) body: Option<BodyDoc>,
    /// The status of the successful response.
    pub(crate) status: StatusCode,
    pub(crate) response: Option<BodyDoc>,
    pub(crate) error: BodySchema,
    pub(crate) takes_bearer: bool,
    /// The scope of the required API key, which follows from the dialect.
    pub(crate) scope: Option<Scope>,
    pub(crate) cookie: Option<&'static str>,
    pub(crate) set_cookies: Vec<(StatusCode, String)>,
}

/// A body with an example.
pub(crate) struct BodyDoc {
    pub(crate) schema: BodySchema,
    pub(crate) example: Value,
}

impl Operation {
    /// An operation with the response body `T`, such as `example`, and the error body `E`. Both are JSON.
    pub fn returning<T: ToSchema, E: ToSchema>(status: StatusCode, example: Value) -> Self {
        Self::of::<E>(status, Some(BodyDoc { schema: BodySchema::of_response::<T>(), example }))
    }

    /// An operation without a response body, and with the JSON error body `E`.
    pub fn returning_nothing<E: ToSchema>(status: StatusCode) -> Self {
        Self::of::<E>(status, None)
    }

    fn of<E: ToSchema>(status: StatusCode, response: Option<BodyDoc>) -> Self {
        Self {
            summary: "",
            description: None,
            body: None,
            status,
            response,
            error: BodySchema::of_response::<E>(),
            takes_bearer: false,
            scope: None,
            cookie: None,
            set_cookies: Vec::new(),
        }
    }

    /// Sets the title: a few words, without a full stop.
    pub fn summary(mut self, text: &'static str) -> Self {
        self.summary = text;
        self
    }

    /// Sets further information for callers, in Markdown.
    pub fn description(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// Requires a JSON body `T`. The service accepts `example`, unless its names are taken.
    pub fn body<T: ToSchema>(mut self, example: Value) -> Self {
        self.body = Some(BodyDoc { schema: BodySchema::of_request::<T>(), example });
        self
    }

    /// Sets the minimum number of characters of a string member of the body.
    pub fn min_length(mut self, member: &str, length: usize) -> Self {
        if let Some(text) = self.member_mut(member) {
            text.min_length = Some(length);
        }
        self
    }

    /// Restricts a string member of the body to the names of these roles. A nullable member stays nullable.
    pub fn one_of(mut self, member: &str, roles: &Roles) -> Self {
        if let Some(text) = self.member_mut(member) {
            let may_be_null =
                matches!(&text.schema_type, SchemaType::Array(types) if types.contains(&Type::Null));
            let names = roles.iter().map(|role| Value::from(role.as_str()));
            text.enum_values = Some(names.chain(may_be_null.then_some(Value::Null)).collect());
        }
        self
    }

    fn member_mut(&mut self, member: &str) -> Option<&mut Object> {
        self.body.as_mut()?.schema.member_mut(member)
    }

    /// Requires an access token.
    pub fn bearer(mut self) -> Self {
        self.takes_bearer = true;
        self
    }

    /// Reads the cookie of this name. The cookie is optional if the operation also requires an access token.
    pub fn cookie(mut self, name: &'static str) -> Self {
        self.cookie = Some(name);
        self
    }

    /// Responses with this status set a cookie. `example` is a value of `Set-Cookie`.
    pub fn sets_cookie(mut self, status: StatusCode, example: String) -> Self {
        self.set_cookies.push((status, example));
        self
    }
}
