//! E-mail addresses: what is accepted is within its bounds, and its key is the key of its own key.
#![no_main]

use auth_domain::model::{EMAIL_MAX_BYTES, EmailAddress, IdentifierKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|typed: &str| {
    let _ = IdentifierKey::of(typed);
    if let Ok(address) = EmailAddress::parse(typed) {
        assert!(address.as_str().len() <= EMAIL_MAX_BYTES);
        let key = address.key();
        assert_eq!(IdentifierKey::of(typed).as_ref(), Ok(key), "who registers so logs in so");
        assert_eq!(IdentifierKey::of(key.as_str()).as_ref(), Ok(key));
        assert_eq!(EmailAddress::parse(key.as_str()).expect("an address too").key(), key);
    }
});
