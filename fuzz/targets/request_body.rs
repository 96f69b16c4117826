//! Request bodies, through the whole service over the stores in memory. The first byte of the input chooses the
//! endpoint; the rest is the body.
#![no_main]

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse};
use auth_domain::model::{ApiKeyName, Identifiers, Password, Scopes, Username};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{CreateApiKey, Register};
use auth_fuzz::runtime;
use auth_http::dialects::Router;
use auth_http::wiring;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

/// After this many requests the service starts again, so that its stores do not grow without limit.
const REQUESTS: usize = 2_000;

/// Sends a body to an endpoint and returns the status and the body of the answer.
type Send = Box<dyn Fn(&Endpoint, Vec<u8>) -> (u16, Vec<u8>)>;

struct Endpoint {
    method: Method,
    path: String,
    /// Whether the dialect requires an API key.
    with_key: bool,
}

struct TestApp {
    endpoints: Vec<Endpoint>,
    send: Send,
    requests: usize,
}

thread_local! {
    /// Not dropped at the end of the thread, because the thread-local state of actix is already gone then.
    static TEST_APP: RefCell<ManuallyDrop<Option<TestApp>>> = const { RefCell::new(ManuallyDrop::new(None)) };
}

impl TestApp {
    fn new() -> Self {
        let (runtime, ports) = (runtime(), TestPorts::new());
        let (user, key) = runtime.block_on(populate(&ports));
        let router = Arc::new(wiring::router(&wiring::default_settings(), &ports.auth()));
        let endpoints = endpoints(&router, &user);
        Self { endpoints, send: service(runtime, router, key), requests: 0 }
    }
}

/// Registers a user and creates an API key. Returns the user's id and the key's secret.
async fn populate(ports: &TestPorts) -> (String, String) {
    let identifiers = Identifiers::new(Some(Username::parse("jane").expect("a name")), None).expect("a name");
    let register = Register::new(identifiers, Password::parse("P@ssw0rd!").expect("a password"));
    let user = ports.auth().on_behalf_of_system().register(register).await.expect("registered");
    let name = ApiKeyName::parse("fuzz").expect("a name");
    let command = CreateApiKey::new(name, Scopes::all());
    let key = ports.auth().on_behalf_of_system().create_api_key(command).await.expect("made");
    (user.id.to_string(), key.secret.expose().to_string())
}

/// Every endpoint that takes a body.
fn endpoints(router: &Router, user: &str) -> Vec<Endpoint> {
    let routes =
        router.dialects().flat_map(|mounted| mounted.dialect.routes().iter().map(move |route| (mounted, route)));
    routes
        .filter(|(_, route)| route.method != Method::GET)
        .map(|(mounted, route)| Endpoint {
            method: route.method.clone(),
            path: format!("{}{}", mounted.context.terms.prefix, route.path.replace("{user_id}", user)),
            with_key: mounted.dialect.profile().name == "directory",
        })
        .collect()
}

fn service(runtime: Runtime, router: Arc<Router>, key: String) -> Send {
    let app = runtime.block_on(init_service(App::new().configure(|app| router.configure(app))));
    Box::new(move |endpoint, body| {
        let request = TestRequest::with_uri(&endpoint.path)
            .method(endpoint.method.clone())
            .insert_header(("content-type", "application/json"))
            .set_payload(body);
        let request =
            if endpoint.with_key { request.insert_header(("x-api-key", key.as_str())) } else { request };
        runtime.block_on(async {
            let response: HttpResponse = request.send_request(&app).await.into();
            let status = response.status().as_u16();
            let Ok(body) = to_bytes(response.into_body()).await else { panic!("no body") };
            (status, body.to_vec())
        })
    })
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    TEST_APP.with_borrow_mut(|slot| {
        let fresh = slot.take().filter(|app| app.requests < REQUESTS).unwrap_or_else(TestApp::new);
        let app = slot.insert(fresh);
        app.requests += 1;
        let endpoint = &app.endpoints[usize::from(*choice) % app.endpoints.len()];
        let (status, answer) = (app.send)(endpoint, body.to_vec());
        assert!(status < 500, "{status} from {} {}", endpoint.method, endpoint.path);
        assert!(answer.is_empty() || serde_json::from_slice::<serde_json::Value>(&answer).is_ok());
    });
});
