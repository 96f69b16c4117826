//! A complete service on actix-web: `cargo run -p auth-infra --example actix_service` listens on 127.0.0.1:8080.

use actix_web::dev::PeerAddr; // behind a proxy, take the address that the proxy reports
use actix_web::http::{StatusCode, header::AUTHORIZATION};
use actix_web::web::{Data, Json, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use auth_domain::model::{Caller, Client, ClientId, RefreshStyle};
use auth_infra::service::Service;
use auth_infra::service::web::{Credentials, Endpoints, RefreshBody, Response};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let client = Client::new(ClientId::from_static("web"), RefreshStyle::Rotating);
    let service = Service::sqlite("data").issuer("https://example.com").client(client).start().await?;
    let endpoints = Data::new(Endpoints::new(&service));
    let routes = move || {
        App::new()
            .app_data(endpoints.clone())
            .route("/users", post().to(register))
            .route("/login", post().to(log_in))
            .route("/refresh", post().to(refresh))
            .route("/logout", post().to(log_out))
            .route("/me", get().to(me))
    };
    HttpServer::new(routes).bind(address)?.run().await?;
    service.close().await;
    Ok(())
}

async fn register(app: Data<Endpoints>, peer: PeerAddr, body: Json<Credentials>) -> HttpResponse {
    send(app.register(Caller::at(peer.0.ip()), &body).await)
}

async fn log_in(app: Data<Endpoints>, peer: PeerAddr, body: Json<Credentials>) -> HttpResponse {
    send(app.log_in(Caller::at(peer.0.ip()), &body).await)
}

async fn refresh(app: Data<Endpoints>, peer: PeerAddr, body: Json<RefreshBody>) -> HttpResponse {
    send(app.refresh(Caller::at(peer.0.ip()), &body).await)
}

async fn log_out(app: Data<Endpoints>, peer: PeerAddr, body: Json<RefreshBody>) -> HttpResponse {
    send(app.log_out(Caller::at(peer.0.ip()), &body).await)
}

async fn me(app: Data<Endpoints>, peer: PeerAddr, request: HttpRequest) -> HttpResponse {
    send(app.current_user(Caller::at(peer.0.ip()), request.headers().get(AUTHORIZATION)).await)
}

fn send(response: Response) -> HttpResponse {
    let status =
        StatusCode::from_u16(response.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = HttpResponse::build(status);
    for (name, value) in response.headers() {
        reply.append_header((name.as_str(), value.as_bytes()));
    }
    reply.body(response.into_body())
}
