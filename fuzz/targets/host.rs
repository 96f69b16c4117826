//! `Host`: the value of the header, and the authority of a target.
#![no_main]

use actix_web::http::Uri;
use auth_http::request::is_host;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if !is_host(input) {
        return;
    }
    let host = std::str::from_utf8(input).expect("a host is ASCII");
    assert!(host.bytes().all(|byte| byte.is_ascii_graphic()), "{host}");
    assert!(!host.contains(['@', '/', '?', '#', '\\', '"', '<', '>']), "{host}");
    // This parser knows neither percent-encoding nor future addresses.
    if !host.contains('%') && !host.to_ascii_lowercase().starts_with("[v") {
        let uri: Uri = format!("http://{host}/").parse().expect("a URI");
        assert_eq!(uri.authority().map(|authority| authority.as_str()), Some(host));
    }
    // A host with a port is a host without it, too.
    if let Some((name, port)) = host.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        assert!(port.parse::<u16>().is_ok() || port.bytes().all(|digit| digit == b'0') || port.starts_with('0'));
        assert!(is_host(name.as_bytes()), "{name}");
    }
});
