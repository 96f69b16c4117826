//! A sixth dialect, written outside the service. It depends on no other dialect and changes none.

use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::{App, HttpResponse};
use auth_domain::model::{Identifiers, Password, RefreshStyle, RoleChoice, Username};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::Register;
use auth_http::dialects::{ALL, Context, Dialect, Endpoint, Operation, Profile, Route, Router};
use auth_http::failure::Failure;
use auth_http::openapi::document;
use auth_http::request::{MinPasswordLength, PasswordField, Request, TextField};
use auth_http::wiring;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::Validate;

/// Answers a login with the username, and every failure with `no`.
struct SixthDialect;

impl Dialect for SixthDialect {
    fn profile(&self) -> Profile {
        Profile {
            name: "sixth",
            about: "Answers a log-in with the username.",
            prefix: "/sixth",
            refresh_style: RefreshStyle::Rotating,
            access_lifetime: None,
            min_password_length: MinPasswordLength(8),
            sample: None,
        }
    }

    fn routes(&self) -> &'static [Route] {
        static ROUTES: [Route; 1] = [Route {
            method: Method::POST,
            path: "/login",
            endpoint: Endpoint::LogIn,
            handler: |context, request| Box::pin(log_in(context, request)),
            describe: |_| {
                Operation::returning::<String, String>(StatusCode::OK, json!("leonidas"))
                    .summary("Log in")
                    .body::<Credentials>(json!({"name": "leonidas", "password": "molon labe"}))
            },
        }];
        &ROUTES
    }

    fn render(&self, failure: &Failure, _endpoint: Option<Endpoint>) -> HttpResponse {
        let status = match failure {
            Failure::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Failure::UnknownPath => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        HttpResponse::build(status).json("no")
    }
}

#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
struct Credentials {
    name: TextField,
    password: PasswordField,
}

async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let Credentials { name, password } = request.body()?;
    let grant = context.log_in(request, name.get()?, password.into_value()?).await?;
    Ok(HttpResponse::Ok().json(grant.user.username().unwrap_or("unnamed")))
}

#[tokio::test]
async fn sixth_dialect_is_served_with_the_others() {
    let (auth, settings) = (TestPorts::new().auth(), wiring::default_settings());
    let name = Username::parse("leonidas").expect("a username");
    let register = Register::new(
        Identifiers::new(Some(name), None).expect("identifiers"),
        Password::parse("molon labe").expect("accepted"),
    )
    .with_roles(RoleChoice::Assigned(settings.default_roles.clone()));
    auth.on_behalf_of_system().register(register).await.expect("registered");

    let built_in = ALL.into_iter().map(|dialect| (dialect, dialect.profile().prefix));
    let all = built_in.chain([(&SixthDialect as &'static dyn Dialect, "/sixth")]);
    let origins = Arc::new(wiring::origin_policy(&settings));
    let mounted = all
        .map(|(dialect, prefix)| wiring::mounted_dialect(&settings, &auth, &origins, dialect, prefix))
        .collect();
    let router = Arc::new(Router::new(mounted, Arc::clone(&origins)));
    let app = init_service(App::new().configure(|app| router.configure(app))).await;
    for (path, body, status, expected) in [
        ("/sixth/login", r#"{"name":"leonidas","password":"molon labe"}"#, 200, r#""leonidas""#),
        ("/sixth/login", r#"{"name":"leonidas","password":"lay down"}"#, 401, r#""no""#),
        ("/sixth/login", "{}", 400, r#""no""#),
        ("/sixth/logout", "{}", 404, r#""no""#),
        (
            "/v1/auth/login",
            r#"{"email":"leonidas","password":"lay down"}"#,
            401,
            r#"{"error":"Invalid credentials."}"#,
        ),
    ] {
        let request = TestRequest::post().uri(path).insert_header(("content-type", "application/json"));
        let response = request.set_payload(body).send_request(&app).await;
        assert_eq!(response.status().as_u16(), status, "{path} {body}");
        assert_eq!(read_body(response).await, expected, "{path} {body}");
    }
}

#[test]
fn sixth_dialect_is_documented_like_the_others() {
    let settings = wiring::default_settings();
    let terms = wiring::public_terms(&settings, &SixthDialect.profile(), "/sixth");
    let document: Value = serde_json::to_value(document(&SixthDialect, &terms, None)).expect("JSON");
    let log_in = &document["paths"]["/sixth/login"]["post"];
    for (status, example) in [("200", "leonidas"), ("401", "no")] {
        let content = &log_in["responses"][status]["content"]["application/json"];
        assert_eq!(content["example"], json!(example));
    }
    assert_eq!(document["components"]["schemas"]["Credentials"]["required"], json!(["name", "password"]));
}
