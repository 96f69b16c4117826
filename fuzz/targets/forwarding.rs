//! `X-Forwarded-For` behind trusted proxies. Each line of the input is the value of one header.
#![no_main]

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use actix_web::test::TestRequest;
use auth_fuzz::{header_values, with_header};
use auth_http::origin::TrustedProxies;
use auth_http::request::client_address;
use auth_http::settings::{Flag, Sources};
use auth_http::wiring;
use libfuzzer_sys::fuzz_target;

static TRUSTED: LazyLock<TrustedProxies> = LazyLock::new(|| {
    let value = "10.0.0.0/8,192.0.2.1/32,fd00::/8".to_owned();
    let flag = Flag { name: "--set", key: "trusted_proxies".to_owned(), value };
    wiring::load_settings(&Sources { flags: vec![flag], ..Sources::default() })
        .expect("settings")
        .trusted_proxies
});

/// The client address when `peer` forwards `input`.
fn address(peer: &str, input: &[u8]) -> Option<IpAddr> {
    let peer: SocketAddr = peer.parse().expect("an address");
    let request = with_header(TestRequest::get().peer_addr(peer), "x-forwarded-for", header_values(input));
    client_address(&request.to_http_request(), &TRUSTED)
}

fuzz_target!(|input: &[u8]| {
    let untrusted = "198.51.100.7:1".parse::<SocketAddr>().map(|peer| peer.ip()).ok();
    assert_eq!(address("198.51.100.7:1", input), untrusted, "an untrusted peer's header is ignored");
    let found = address("10.0.0.1:1", input).expect("an address");
    // The text of a client is to the left of the address that the nearest proxy adds.
    let mut longer = b"203.0.113.9, ".to_vec();
    longer.extend_from_slice(input);
    if !TRUSTED.contains(found) {
        assert_eq!(address("10.0.0.1:1", &longer), Some(found), "what a client adds is ignored");
    }
});
