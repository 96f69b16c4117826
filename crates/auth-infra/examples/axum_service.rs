//! A complete service on axum: `cargo run -p auth-infra --example axum_service` listens on 127.0.0.1:8080.

use std::{net::SocketAddr, sync::Arc};

use auth_domain::model::{Caller, Client, ClientId, RefreshStyle};
use auth_infra::service::Service;
use auth_infra::service::web::{Credentials, Endpoints, RefreshBody, Response, stop_signal};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;

type App = State<Arc<Endpoints>>;
type Peer = ConnectInfo<SocketAddr>; // behind a proxy, take the address that the proxy reports

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let client = Client::new(ClientId::from_static("web"), RefreshStyle::Rotating);
    let service = Service::sqlite("data").issuer("https://example.com").client(client).start().await?;
    let routes = Router::new()
        .route("/users", post(register))
        .route("/login", post(log_in))
        .route("/refresh", post(refresh))
        .route("/logout", post(log_out))
        .route("/me", get(me))
        .with_state(Arc::new(Endpoints::new(&service)))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind(address).await?;
    axum::serve(listener, routes).with_graceful_shutdown(stop_signal()?).await?;
    service.close().await;
    Ok(())
}

async fn register(State(app): App, ConnectInfo(peer): Peer, Json(body): Json<Credentials>) -> Response {
    app.register(Caller::at(peer.ip()), &body).await
}

async fn log_in(State(app): App, ConnectInfo(peer): Peer, Json(body): Json<Credentials>) -> Response {
    app.log_in(Caller::at(peer.ip()), &body).await
}

async fn refresh(State(app): App, ConnectInfo(peer): Peer, Json(body): Json<RefreshBody>) -> Response {
    app.refresh(Caller::at(peer.ip()), &body).await
}

async fn log_out(State(app): App, ConnectInfo(peer): Peer, Json(body): Json<RefreshBody>) -> Response {
    app.log_out(Caller::at(peer.ip()), &body).await
}

async fn me(State(app): App, ConnectInfo(peer): Peer, headers: HeaderMap) -> Response {
    app.current_user(Caller::at(peer.ip()), headers.get(AUTHORIZATION)).await
}
