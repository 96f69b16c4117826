//! Usernames: an accepted name is within the limits, and the key of its key is the same key.
#![no_main]

use auth_domain::model::{IdentifierKey, USERNAME_MAX_CODE_POINTS, Username};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|typed: &str| {
    let _ = IdentifierKey::of(typed);
    if let Ok(name) = Username::parse(typed) {
        assert!(name.as_str().chars().count() <= USERNAME_MAX_CODE_POINTS);
        assert!(!name.as_str().chars().any(char::is_control));
        let key = name.key();
        assert_eq!(IdentifierKey::of(typed).as_ref(), Ok(key), "registration and log-in use the same key");
        // The compatibility form of some characters has several characters, so a key may be longer than a name.
        if key.as_str().chars().count() <= USERNAME_MAX_CODE_POINTS {
            assert_eq!(IdentifierKey::of(key.as_str()).as_ref(), Ok(key));
        }
    }
});
