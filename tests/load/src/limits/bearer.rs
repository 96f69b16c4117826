//! A bare server that shows who bears an access token: the signature is verified, and an answer given. It looks at
//! nothing else: not at the claims, not at the session, not at the user.

use std::io::{Write as _, stdout};
use std::sync::Arc;
use std::thread::available_parallelism;

use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Bytes;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What it verifies with and answers.
struct Bare {
    key: ParsedPublicKey,
    body: Bytes,
}

/// Serves until it is killed, on as many threads as this process has cores; says first where.
///
/// `key` is an uncompressed point of P-256, in base64url; `body` is what the service answers.
///
/// # Errors
/// When it cannot.
pub fn serve(key: &str, body: String) -> Result<()> {
    let key = URL_SAFE_NO_PAD.decode(key).map_err(|fault| anyhow!("the key: {fault}"))?;
    let key =
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).map_err(|fault| anyhow!("the key: {fault}"))?;
    let bare = web::Data::from(Arc::new(Bare { key, body: body.into() }));
    let workers = available_parallelism().map_or(1, usize::from);
    actix_web::rt::System::new().block_on(async move {
        let app = move || App::new().app_data(bare.clone()).default_service(web::to(response));
        let server = HttpServer::new(app).workers(workers).bind(("127.0.0.1", 0))?;
        let address = server.addrs().first().copied().context("an address")?;
        writeln!(stdout(), "http://{address}")?;
        server.run().await?;
        Ok(())
    })
}

async fn response(request: HttpRequest, bare: web::Data<Bare>) -> HttpResponse {
    if is_signed(&request, &bare.key).is_none() {
        return HttpResponse::Unauthorized().finish();
    }
    HttpResponse::Ok().content_type("application/json").body(bare.body.clone())
}

fn is_signed(request: &HttpRequest, key: &ParsedPublicKey) -> Option<()> {
    let token = request.headers().get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    key.verify_sig(signed.as_bytes(), &signature).ok()
}
