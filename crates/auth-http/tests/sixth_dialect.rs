//! Another dialect, written outside the service: it needs nothing of any other dialect, and changes none.

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::{App, HttpResponse};
use auth_domain::model::{
    Identifiers, Password, PasswordAttempt, PasswordPolicy, RefreshStyle, RoleChoice, Username,
};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{LogIn, Register};
use auth_http::dialects::{ALL, Context, Dialect, Endpoint, Profile, Route, Router};
use auth_http::failure::Failure;
use auth_http::openapi::{Operation, document};
use auth_http::request::{Fields, Request};
use auth_http::wiring;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Says who logged in, and otherwise `no`.
struct Laconic;

impl Dialect for Laconic {
    fn profile(&self) -> Profile {
        Profile {
            name: "laconic",
            about: "Says who logged in, and otherwise `no`.",
            prefix: "/laconic",
            refresh_style: RefreshStyle::Rotating,
            access_lifetime: None,
            passwords: PasswordPolicy { min_length: 8 },
            sample: None,
        }
    }

    fn routes(&self) -> &'static [Route] {
        static ROUTES: [Route; 1] = [Route {
            method: Method::POST,
            path: "/enter",
            endpoint: Endpoint::LogIn,
            handler: |context, request| Box::pin(enter(context, request)),
            describe: |_| {
                Operation::returning::<String, String>(StatusCode::OK, json!("leonidas"))
                    .summary("Enter")
                    .body::<Entrant>(json!({"who": "leonidas", "word": "molon labe"}))
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

#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
struct Entrant {
    who: String,
    word: String,
}

async fn enter(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let mut fields = Fields::of(request.json()?);
    let attempt = |typed| Ok::<_, Infallible>(PasswordAttempt::new(typed));
    let (Some(identifier), Some(password)) = (fields.text("who"), fields.required("word", attempt)) else {
        return Err(fields.failure());
    };
    let grant = context.auth(request).log_in(LogIn { client: &context.client, identifier, password }).await?;
    Ok(HttpResponse::Ok().json(grant.user.username().unwrap_or("somebody")))
}

#[tokio::test]
async fn another_dialect_is_served_beside_the_others_without_touching_them() {
    let (auth, settings) = (TestPorts::new().auth(), wiring::default_settings());
    let name = Username::parse("leonidas").expect("a username");
    auth.register(Register {
        identifiers: Identifiers::new(Some(name), None).expect("identifiers"),
        password: Password::parse("molon labe", PasswordPolicy::default()).expect("accepted"),
        display_name: None,
        phone_number: None,
        roles: RoleChoice::Assigned(settings.registration.default_roles.clone()),
    })
    .await
    .expect("registered");

    let known = ALL.into_iter().map(|dialect| (dialect, dialect.profile().prefix));
    let all = known.chain([(&Laconic as &'static dyn Dialect, "/laconic")]);
    let mounted =
        all.map(|(dialect, prefix)| wiring::mounted_dialect(&settings, &auth, dialect, prefix)).collect();
    let router = Arc::new(Router::new(mounted));
    let app = init_service(App::new().configure(|app| router.configure(app))).await;
    for (path, body, status, said) in [
        ("/laconic/enter", r#"{"who":"leonidas","word":"molon labe"}"#, 200, r#""leonidas""#),
        ("/laconic/enter", r#"{"who":"leonidas","word":"lay down"}"#, 401, r#""no""#),
        ("/laconic/enter", "{}", 400, r#""no""#),
        ("/laconic/leave", "{}", 404, r#""no""#),
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
        assert_eq!(read_body(response).await, said, "{path} {body}");
    }
}

#[test]
fn another_dialect_is_documented_like_the_others() {
    let settings = wiring::default_settings();
    let terms = wiring::public_terms(&settings, &Laconic.profile(), "/laconic");
    let document: Value = serde_json::to_value(document(&Laconic, &terms)).expect("JSON");
    let enter = &document["paths"]["/laconic/enter"]["post"];
    let example = |status: &str| &enter["responses"][status]["content"]["application/json"]["example"];
    assert_eq!(*example("200"), json!("leonidas"));
    assert_eq!(*example("401"), json!("no"));
    assert_eq!(document["components"]["schemas"]["Entrant"]["required"], json!(["who", "word"]));
}
