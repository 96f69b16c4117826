//! The strict JSON reader: `serde_json` reads every accepted document in the same way.
#![no_main]

use auth_http::request::JsonObject;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|input: &[u8]| {
    if let Ok(object) = JsonObject::parse(input) {
        let members: Map<String, Value> = serde_json::from_slice(input).expect("an accepted document is JSON");
        for (name, value) in &members {
            assert_eq!(object.get(name), Some(value));
        }
    }
});
