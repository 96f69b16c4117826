//! What a route takes and gives, in the terms of OpenAPI.

use actix_web::http::StatusCode;
use auth_domain::model::Roles;
use serde_json::Value;
use utoipa::ToSchema;

use super::schema::BodySchema;

/// What a route takes and gives. What it answers to requests that fail is not said here: the dialect is asked.
///
/// ```
/// use actix_web::http::StatusCode;
/// use auth_http::dialects::Operation;
/// use serde_json::json;
/// use utoipa::ToSchema;
///
/// #[derive(ToSchema)]
/// struct Greeting {
///     /// Whom to greet.
///     #[schema(min_length = 1)]
///     name: String,
/// }
///
/// let greet = Operation::returning::<String, String>(StatusCode::OK, json!("Hello, Jane!"))
///     .summary("Greet somebody")
///     .body::<Greeting>(json!({"name": "Jane"}));
/// ```
pub struct Operation {
    pub(crate) summary: &'static str,
    pub(crate) description: Option<&'static str>,
    pub(crate) body: Option<BodyDoc>,
    pub(crate) response: ResponseDoc,
    pub(crate) error: BodySchema,
    pub(crate) takes_bearer: bool,
    pub(crate) takes_api_key: bool,
    pub(crate) cookie: Option<&'static str>,
    pub(crate) set_cookies: Vec<(StatusCode, String)>,
    pub(crate) path_part: Option<&'static str>,
}

/// What a client sends.
pub(crate) struct BodyDoc {
    pub(crate) schema: BodySchema,
    pub(crate) example: Value,
}

/// What the service says when all went well.
pub(crate) struct ResponseDoc {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<BodyDoc>,
}

impl Operation {
    /// An operation that answers with a JSON body `T`, of which `example` is one, and refuses with a JSON body `E`.
    #[must_use]
    pub fn returning<T: ToSchema, E: ToSchema>(status: StatusCode, example: Value) -> Self {
        Self::of::<E>(status, Some(BodyDoc { schema: BodySchema::of_response::<T>(), example }))
    }

    /// An operation that answers without a body, and refuses with a JSON body `E`.
    #[must_use]
    pub fn returning_nothing<E: ToSchema>(status: StatusCode) -> Self {
        Self::of::<E>(status, None)
    }

    fn of<E: ToSchema>(status: StatusCode, body: Option<BodyDoc>) -> Self {
        Self {
            summary: "",
            description: None,
            body: None,
            response: ResponseDoc { status, body },
            error: BodySchema::of_response::<E>(),
            takes_bearer: false,
            takes_api_key: false,
            cookie: None,
            set_cookies: Vec::new(),
            path_part: None,
        }
    }

    /// Says in a few words what it does.
    #[must_use]
    pub fn summary(mut self, text: &'static str) -> Self {
        self.summary = text;
        self
    }

    /// Says what else a caller has to know, in Markdown.
    #[must_use]
    pub fn description(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// It takes a JSON body `T`, of which `example` is one that is accepted.
    #[must_use]
    pub fn body<T: ToSchema>(mut self, example: Value) -> Self {
        self.body = Some(BodyDoc { schema: BodySchema::of_request::<T>(), example });
        self
    }

    /// A member of the body, a text, has at least this many characters.
    #[must_use]
    pub fn min_length(mut self, member: &str, length: usize) -> Self {
        if let Some(body) = &mut self.body {
            body.schema.set_min_length(member, length);
        }
        self
    }

    /// A member of the body, a text, is the name of one of these roles.
    #[must_use]
    pub fn one_of(mut self, member: &str, roles: &Roles) -> Self {
        if let Some(body) = &mut self.body {
            body.schema.set_choice(member, roles);
        }
        self
    }

    /// The part of the path in braces, which is a UUID, in words.
    #[must_use]
    pub fn path_part(mut self, text: &'static str) -> Self {
        self.path_part = Some(text);
        self
    }

    /// It asks for an access token.
    #[must_use]
    pub fn bearer(mut self) -> Self {
        self.takes_bearer = true;
        self
    }

    /// It asks for an API key.
    #[must_use]
    pub fn api_key(mut self) -> Self {
        self.takes_api_key = true;
        self
    }

    /// It looks for a cookie of this name, and asks for it unless it asks for an access token as well.
    #[must_use]
    pub fn cookie(mut self, name: &'static str) -> Self {
        self.cookie = Some(name);
        self
    }

    /// Its answers with this status set a cookie, as this `Set-Cookie` does.
    #[must_use]
    pub fn sets_cookie(mut self, status: StatusCode, example: String) -> Self {
        self.set_cookies.push((status, example));
        self
    }

    /// Whether it takes a body with this member.
    pub(crate) fn takes(&self, member: &str) -> bool {
        self.body.as_ref().is_some_and(|body| body.schema.has(member))
    }
}
