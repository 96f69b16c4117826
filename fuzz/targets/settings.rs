//! Settings: a TOML file, and environment variables after a line with `%%`.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::LazyLock;

use auth_http::settings::Sources;
use auth_http::wiring;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
});

fn variable(line: &[u8]) -> Option<(OsString, OsString)> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    Some((OsString::from_vec(line[..at].to_vec()), OsString::from_vec(line[at + 1..].to_vec())))
}

fuzz_target!(|input: &[u8]| {
    const BREAK: &[u8] = b"\n%%\n";
    let (toml, lines) = match input.windows(BREAK.len()).position(|window| window == BREAK) {
        Some(at) => (&input[..at], &input[at + BREAK.len()..]),
        None => (input, &b""[..]),
    };
    let path = DIRECTORY.path().join("auth.toml");
    std::fs::write(&path, toml).expect("written");
    let environment = lines.split(|byte| *byte == b'\n').filter_map(variable).collect();
    match wiring::load_settings(&Sources { file: Some(path), environment, ..Sources::default() }) {
        Ok(settings) => {
            let _ = (settings.show(), settings.warnings());
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
