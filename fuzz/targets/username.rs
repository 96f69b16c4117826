//! Usernames: what is accepted is within its bounds, and its key is the key of its own key.
#![no_main]

use auth_domain::model::{IdentifierKey, USERNAME_MAX_CODE_POINTS, Username};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|typed: &str| {
    let _ = IdentifierKey::of(typed);
    if let Ok(name) = Username::parse(typed) {
        assert!(name.as_str().chars().count() <= USERNAME_MAX_CODE_POINTS);
        assert!(!name.as_str().chars().any(char::is_control));
        let key = name.key();
        assert_eq!(IdentifierKey::of(typed).as_ref(), Ok(key), "who registers so logs in so");
        // Some characters are several in their compatibility form, so that a key may be longer than a name.
        if key.as_str().chars().count() <= USERNAME_MAX_CODE_POINTS {
            assert_eq!(IdentifierKey::of(key.as_str()).as_ref(), Ok(key));
        }
    }
});
