//! E-mail addresses: an accepted address is within the limits, and the key of its key is the same key.
#![no_main]

use auth_domain::model::{EMAIL_MAX_BYTES, EmailAddress, IdentifierKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|typed: &str| {
    let _ = IdentifierKey::of(typed);
    if let Ok(address) = EmailAddress::parse(typed) {
        assert!(address.as_str().len() <= EMAIL_MAX_BYTES);
        let key = address.key();
        assert_eq!(IdentifierKey::of(typed).as_ref(), Ok(key), "registration and log-in use the same key");
        assert_eq!(IdentifierKey::of(key.as_str()).as_ref(), Ok(key));
        assert_eq!(EmailAddress::parse(key.as_str()).expect("a valid address").key(), key);
    }
});
