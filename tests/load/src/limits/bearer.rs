//! A bare server that shows who bears an access token: the signature is verified, and an answer given. It looks at
//! nothing else: not at the claims, not at the session, not at the user.

use std::io::{Write as _, stdout};
use std::sync::Arc;
use std::thread::available_parallelism;

use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Bytes;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context as _, Result, anyhow, bail};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// What it verifies with and answers.
struct Bare {
    key: ParsedPublicKey,
    body: Bytes,
}

/// Serves until it is killed, on as many threads as this process has cores; says first where.
///
/// `key` is the public key as a JWK, of Ed25519 or P-256; `body` is what the service answers.
///
/// # Errors
/// When it cannot.
pub fn serve(key: &str, body: String) -> Result<()> {
    let bare = web::Data::from(Arc::new(Bare { key: parse(key)?, body: body.into() }));
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

/// Parses a JWK (RFC 7518, section 6.2; RFC 8037, section 2).
fn parse(key: &str) -> Result<ParsedPublicKey> {
    let jwk: Value = serde_json::from_str(key)?;
    let member = |name: &str| {
        let text = jwk[name].as_str().with_context(|| format!("the key has no {name}"))?;
        URL_SAFE_NO_PAD.decode(text).with_context(|| format!("the {name} of the key"))
    };
    let parsed = match jwk["kty"].as_str() {
        Some("OKP") => ParsedPublicKey::new(&ED25519, member("x")?),
        // An uncompressed point: 4, then both coordinates (SEC 1, section 2.3.3).
        Some("EC") => {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [vec![4], member("x")?, member("y")?].concat())
        }
        other => bail!("a key of the kind {other:?}"),
    };
    parsed.map_err(|fault| anyhow!("the key: {fault}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 8037, appendix A.2, and of RFC 7517, appendix A.1.
    #[test]
    fn keys_of_both_algorithms_are_parsed() {
        for key in [
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#,
        ] {
            assert!(parse(key).is_ok(), "{key}");
        }
        assert!(parse(r#"{"kty":"RSA"}"#).is_err() && parse("{}").is_err());
    }
}
