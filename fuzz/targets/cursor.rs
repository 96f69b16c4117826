//! `after` of the feed of ended sessions: a cursor.
#![no_main]

use auth_infra::store::Cursor;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(cursor) = text.parse::<Cursor>() else { return };
    // One text for each cursor, which needs no escaping in a URL.
    assert_eq!(cursor.to_string(), text);
    assert!(text.len() <= 1_024 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
});
