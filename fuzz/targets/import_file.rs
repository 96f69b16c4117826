//! Files of users: the first byte selects the service that wrote the file, and the rest is the file.
#![no_main]

use std::io::Cursor;

use auth_domain::model::{Roles, Timestamp};
use auth_http::import_file::{Export, FirebaseConfig, ImportFile, ImportOptions};
use libfuzzer_sys::fuzz_target;

const EXPORTS: [Option<Export>; 8] = [
    None,
    Some(Export::Plain),
    Some(Export::Auth0),
    Some(Export::Django),
    Some(Export::Firebase),
    Some(Export::Keycloak),
    Some(Export::Kratos),
    Some(Export::Supabase),
];

const FIREBASE: &str = "algorithm: SCRYPT, base64_signer_key: AA==, base64_salt_separator: Bw==, rounds: 8, mem_cost: 14";

fn is_one_line(text: &str) {
    assert_eq!(text.lines().count(), 1, "{text:?}");
}

fuzz_target!(|input: &[u8]| {
    let Some((first, file)) = input.split_first() else { return };
    let options = ImportOptions {
        from: EXPORTS[usize::from(*first) % EXPORTS.len()],
        ignore_unknown: first & 0x80 != 0,
        default_roles: Roles::default(),
        firebase: FirebaseConfig::parse(FIREBASE).ok(),
        now: Timestamp::UNIX_EPOCH,
    };
    let mut file = match ImportFile::open(Cursor::new(file.to_vec()), options) {
        Ok(file) => file,
        Err(error) => return is_one_line(&error.to_string()),
    };
    loop {
        match file.next_user() {
            Ok(Some(entry)) => {
                if let Err(reason) = entry.user {
                    is_one_line(&format!("{}: {reason}", entry.place));
                }
            }
            Ok(None) => break,
            Err(error) => {
                is_one_line(&error.to_string());
                break;
            }
        }
    }
    assert!(file.left_out().keys().all(|name| !name.contains('\n')));
});
