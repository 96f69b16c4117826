//! `X-Forwarded-For` behind trusted proxies, and `X-End-User-Address`. Each line of the input is the value of one header.
#![no_main]

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use actix_web::test::TestRequest;
use auth_domain::model::ClientAddress;
use auth_fuzz::{header_values, receive, runtime, with_header};
use auth_http::origin::TrustedProxies;
use auth_http::request::client_address;
use auth_http::settings::{Flag, Sources};
use auth_http::wiring;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

static TRUSTED: LazyLock<TrustedProxies> = LazyLock::new(|| {
    let value = "10.0.0.0/8,192.0.2.1/32,fd00::/8".to_owned();
    let flag = Flag { name: "--set", key: "trusted_proxies".to_owned(), value };
    wiring::load_settings(&Sources { flags: vec![flag], ..Sources::default() })
        .expect("settings")
        .trusted_proxies
});

static RUNTIME: LazyLock<Runtime> = LazyLock::new(runtime);

/// The client address when `peer` forwards `input`.
fn address(peer: &str, input: &[u8]) -> Option<ClientAddress> {
    let peer: SocketAddr = peer.parse().expect("an address");
    let request = with_header(TestRequest::get().peer_addr(peer), "x-forwarded-for", header_values(input));
    client_address(&request.to_http_request(), &TRUSTED)
}

/// The end user that a program reports with `input`. `Err` if the header is refused.
fn end_user(input: &[u8]) -> Result<Option<ClientAddress>, ()> {
    let request = with_header(TestRequest::get(), "x-end-user-address", header_values(input));
    let (ControlFlow::Continue(request) | ControlFlow::Break(request)) = RUNTIME.block_on(receive(request));
    request.accept_end_user(&TRUSTED).map_err(|_| ())?;
    // The request has no address of its own, so it can only be that of the end user.
    Ok(request.caller().counted_address())
}

fuzz_target!(|input: &[u8]| {
    let untrusted = "198.51.100.7:1".parse::<SocketAddr>().map(|peer| peer.ip().into()).ok();
    assert_eq!(address("198.51.100.7:1", input), untrusted, "an untrusted peer's header is ignored");
    if let Ok(Some(reported)) = end_user(input) {
        assert!(!TRUSTED.contains(reported.ip()), "a proxy is no end user");
    }
    let found = address("10.0.0.1:1", input).expect("an address");
    // The text of a client is to the left of the address that the nearest proxy adds.
    let longer = [b"203.0.113.9, ", input].concat();
    if !TRUSTED.contains(found.ip()) {
        assert_eq!(address("10.0.0.1:1", &longer), Some(found), "what a client adds is ignored");
    }
    // Up to seven lines, because the last line is the proxy's own.
    let lines: Vec<_> = input.split(|byte| *byte == b'\n').take(7).collect();
    for appended in [&b", 198.51.100.7:80"[..], b"\n64:ff9b::198.51.100.7", b",,10.0.0.9 ,\t198.51.100.7, [fd00::1]"] {
        let forwarded = [&lines.join(&b'\n'), appended].concat();
        assert_eq!(address("10.0.0.1:1", &forwarded), untrusted, "what the proxy wrote is read");
        assert_eq!(end_user(&forwarded), Ok(untrusted), "the right-most address counts");
    }
});
