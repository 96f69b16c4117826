//! The content of a key file: lines that give the times of the key, then the private key in PEM.
//!
//! ```text
//! Created: 2026-11-21T09:30:00Z
//! Signs-From: 2026-11-21T09:40:00Z
//! -----BEGIN PRIVATE KEY-----
//! ...
//! -----END PRIVATE KEY-----
//! ```
//!
//! Text before a PEM block is explanatory (RFC 7468, section 2), and other programs skip it. The order of keys depends on
//! these lines and on names only. Copies of a file are therefore equal on every node, however they were made.

use std::fmt::Write as _;
use std::path::Path;

use auth_domain::model::Timestamp;
use pem_rfc7468::{Decoder, LineEnding};
use zeroize::Zeroizing;

use super::algorithm::PrivateKey;

const CREATED: &str = "Created";
const SIGNS_FROM: &str = "Signs-From";
const REVOKES_EARLIER: &str = "Revokes-Earlier";

/// The label of a PKCS#8 structure in PEM (RFC 7468, section 10).
const PKCS8: &str = "PRIVATE KEY";
/// The label of an elliptic curve key as `openssl ecparam` writes it (SEC 1, appendix C.4; RFC 5915, section 4).
const SEC1: &str = "EC PRIVATE KEY";

/// The times of a key, as its file or its name gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyTimes {
    /// The line `Created`, else the time in the name. `None` for a key of another tool.
    pub(super) created: Option<Timestamp>,
    /// The line `Signs-From`. `None`: as soon as a process reads the file.
    pub(super) signs_from: Option<Timestamp>,
    /// The line `Revokes-Earlier: yes`. No earlier key of the directory verifies any more.
    pub(super) revokes_earlier: bool,
}

impl KeyTimes {
    /// The time by which keys are ordered. `None` is before every time.
    pub(super) fn start(&self) -> Option<Timestamp> {
        self.signs_from.or(self.created)
    }
}

/// The reason why a file is not a usable key file. No reason contains anything of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFileFlaw {
    /// Anything without a recognisable private key.
    NotAKey,
    Empty,
    TooLarge,
    SeveralKeys,
    /// RSA, another curve, or damaged.
    OtherAlgorithm,
    Encrypted,
    OpenSsh,
    /// PKCS#8 or SEC 1 without PEM.
    Der,
    Jwk,
    Utf16,
    /// A public key, a certificate or a request for one.
    Public,
    /// The line with this name has no time, or not `yes` or `no`.
    Line(&'static str),
    /// There are several lines with this name.
    RepeatedLine(&'static str),
}

impl KeyFileFlaw {
    /// The sentence about the file at `path`, with the command that repairs it.
    pub(super) fn about(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::NotAKey => format!("{path} is not one Ed25519 or P-256 private key in PKCS#8 PEM"),
            Self::Empty => format!("{path} is empty"),
            Self::TooLarge => format!("{path} is larger than a key file can be"),
            Self::SeveralKeys => format!("{path} contains several private keys: use one file for each"),
            Self::OtherAlgorithm => format!(
                "{path} is damaged, or a private key of another kind than Ed25519 and P-256: delete it, and run auth-http \
                 keys rotate"
            ),
            Self::Encrypted => format!(
                "{path} is encrypted, and the service has no passphrase: run openssl pkey -in {path} -out {path}.new, then \
                 mv {path}.new {path}"
            ),
            Self::OpenSsh => format!(
                "{path} is in the format of OpenSSH: run ssh-keygen -p -N '' -m PKCS8 -f {path}, which converts ECDSA keys; \
                 or delete it, and run auth-http keys rotate"
            ),
            Self::Der => format!(
                "{path} is in DER and not in PEM: run openssl pkey -inform DER -in {path} -out {path}.new, then mv \
                 {path}.new {path}"
            ),
            Self::Jwk => format!(
                "{path} is a JWK: convert it to PKCS#8 PEM, or delete it, and run auth-http keys rotate"
            ),
            Self::Utf16 => format!("{path} is in UTF-16: save it in UTF-8"),
            Self::Public => {
                format!(
                    "{path} contains a public key or a certificate, and no private key: it does not belong there"
                )
            }
            Self::Line(REVOKES_EARLIER) => {
                format!(
                    "the line {REVOKES_EARLIER} of {path} must be yes or no, and the file needs a line {CREATED}"
                )
            }
            Self::Line(name) => {
                format!("the line {name} of {path} must be a time such as 2026-11-21T09:30:00Z")
            }
            Self::RepeatedLine(name) => {
                format!("{path} has several lines {name}: delete all but the right one")
            }
        }
    }
}

/// Reads the content of the file of the key `kid`.
pub(super) fn parse(kid: &str, content: &[u8]) -> Result<(KeyTimes, PrivateKey), KeyFileFlaw> {
    let text = decode_text(content)?;
    let mut times = LinedTimes::default();
    let mut private = None;
    let mut is_public = false;
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = boundary(line, "-----BEGIN ") else {
            times.read(line)?;
            continue;
        };
        let body = read_body(label, &mut lines).ok_or(KeyFileFlaw::NotAKey)?;
        match label {
            PKCS8 | SEC1 if private.is_some() => return Err(KeyFileFlaw::SeveralKeys),
            PKCS8 | SEC1 => private = Some(read_block(label, &body)?),
            "ENCRYPTED PRIVATE KEY" => return Err(KeyFileFlaw::Encrypted),
            "OPENSSH PRIVATE KEY" => return Err(KeyFileFlaw::OpenSsh),
            // Other programs write these next to the private key.
            "EC PARAMETERS" => {}
            "PUBLIC KEY" | "CERTIFICATE" | "CERTIFICATE REQUEST" => is_public = true,
            _ if label.ends_with("PRIVATE KEY") => return Err(KeyFileFlaw::OtherAlgorithm),
            _ if label.ends_with("PUBLIC KEY") => is_public = true,
            _ => return Err(KeyFileFlaw::NotAKey),
        }
    }
    let times = times.or_named(kid);
    if times.revokes_earlier && times.start().is_none() {
        return Err(KeyFileFlaw::Line(REVOKES_EARLIER));
    }
    let flaw = if is_public { KeyFileFlaw::Public } else { unrecognised(text) };
    Ok((times, private.ok_or(flaw)?))
}

/// Writes a key file.
pub(super) fn write(times: &KeyTimes, pkcs8: &[u8]) -> Option<Zeroizing<String>> {
    let pem = pem_rfc7468::encode_string(PKCS8, LineEnding::LF, pkcs8).map(Zeroizing::new).ok()?;
    let mut text = Zeroizing::new(String::with_capacity(256 + pem.len()));
    for (name, time) in [(CREATED, times.created), (SIGNS_FROM, times.signs_from)] {
        if let Some(time) = time {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name}: {time}");
        }
    }
    if times.revokes_earlier {
        let _ = writeln!(text, "{REVOKES_EARLIER}: yes");
    }
    text.push_str(&pem);
    Some(text)
}

/// The time in a name such as `2026-11-21T093000Z-1f3a5b7c`.
fn time_of(kid: &str) -> Option<Timestamp> {
    let (date, rest) = kid.split_once('T')?;
    let (time, _) = rest.split_once("Z-")?;
    if date.len() != 10 || time.len() != 6 || !time.is_ascii() {
        return None;
    }
    Timestamp::parse(&format!("{date}T{}:{}:{}Z", &time[..2], &time[2..4], &time[4..]))
}

/// The text of a file, without a byte order mark.
fn decode_text(content: &[u8]) -> Result<&str, KeyFileFlaw> {
    match content {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, ..] | [0, ..] => return Err(KeyFileFlaw::Utf16),
        // A SEQUENCE that fills the file.
        [0x30, length, ..] if usize::from(*length) == content.len() - 2 => return Err(KeyFileFlaw::Der),
        [0x30, 0x81, length, ..] if usize::from(*length) == content.len() - 3 => {
            return Err(KeyFileFlaw::Der);
        }
        [0x30, 0x82, ..] => return Err(KeyFileFlaw::Der),
        _ => {}
    }
    let text = str::from_utf8(content).map_err(|_| KeyFileFlaw::NotAKey)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() { Err(KeyFileFlaw::Empty) } else { Ok(text) }
}

fn unrecognised(text: &str) -> KeyFileFlaw {
    if text.trim_start().starts_with(['{', '[']) && text.contains("\"kty\"") {
        return KeyFileFlaw::Jwk;
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_public = first.starts_with("ssh-") || first.starts_with("ecdsa-sha2-");
    if is_public { KeyFileFlaw::Public } else { KeyFileFlaw::NotAKey }
}

/// The label of a line that begins or ends a block.
fn boundary<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    line.strip_prefix(prefix)?.strip_suffix("-----").filter(|label| !label.contains("--"))
}

/// The lines up to the end of the block with this label. `None` if it has no end.
fn read_body<'a>(label: &str, lines: &mut impl Iterator<Item = &'a str>) -> Option<Vec<&'a str>> {
    let mut body = Vec::new();
    loop {
        let line = lines.next()?;
        if boundary(line, "-----END ") == Some(label) {
            return Some(body);
        }
        body.push(line);
    }
}

/// The lines outside the blocks that were read. `None`: no line with this name.
#[derive(Default)]
struct LinedTimes {
    created: Option<Timestamp>,
    signs_from: Option<Timestamp>,
    revokes_earlier: Option<bool>,
}

impl LinedTimes {
    /// Reads a line. Lines with other names are comments.
    fn read(&mut self, line: &str) -> Result<(), KeyFileFlaw> {
        let Some((name, value)) = line.split_once(':') else { return Ok(()) };
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case(CREATED) {
            set_once(&mut self.created, CREATED, Timestamp::parse(value))
        } else if name.eq_ignore_ascii_case(SIGNS_FROM) {
            set_once(&mut self.signs_from, SIGNS_FROM, Timestamp::parse(value))
        } else if name.eq_ignore_ascii_case(REVOKES_EARLIER) {
            let answer = match value {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            };
            set_once(&mut self.revokes_earlier, REVOKES_EARLIER, answer)
        } else {
            Ok(())
        }
    }

    /// The times of the key `kid`. Without a line, its name gives the time of creation.
    fn or_named(self, kid: &str) -> KeyTimes {
        KeyTimes {
            created: self.created.or_else(|| time_of(kid)),
            signs_from: self.signs_from,
            revokes_earlier: self.revokes_earlier.unwrap_or(false),
        }
    }
}

/// Keeps the value of the line `name`, or `None` for an invalid one. Of two lines, neither would be certain to be meant.
fn set_once<T>(line: &mut Option<T>, name: &'static str, value: Option<T>) -> Result<(), KeyFileFlaw> {
    let value = value.ok_or(KeyFileFlaw::Line(name))?;
    match line.replace(value) {
        None => Ok(()),
        Some(_) => Err(KeyFileFlaw::RepeatedLine(name)),
    }
}

/// Reads the private key of a block with these lines between its boundaries.
fn read_block(label: &str, body: &[&str]) -> Result<PrivateKey, KeyFileFlaw> {
    // The headers of an encrypted SEC 1 key (RFC 1421, section 4.6.1.1).
    if body.iter().any(|line| line.starts_with("Proc-Type:")) {
        return Err(KeyFileFlaw::Encrypted);
    }
    // One line, because the decoder wants lines of equal length, and other programs break them differently.
    let mut block = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    body.iter().flat_map(|line| line.split_whitespace()).for_each(|part| block.push_str(part));
    let _ = writeln!(block, "\n-----END {label}-----");
    let mut der = Zeroizing::new(Vec::with_capacity(block.len()));
    let mut decoder = Decoder::new_detect_wrap(block.as_bytes()).map_err(|_| KeyFileFlaw::NotAKey)?;
    decoder.decode_to_end(&mut der).map_err(|_| KeyFileFlaw::NotAKey)?;
    PrivateKey::from_der(&der).ok_or(KeyFileFlaw::OtherAlgorithm)
}

#[cfg(test)]
mod tests {
    use super::super::algorithm::KeyAlgorithm;
    use super::*;

    const KID: &str = "2026-11-21T093000Z-1f3a5b7c";

    fn pkcs8(algorithm: KeyAlgorithm) -> Zeroizing<Vec<u8>> {
        algorithm.generate().expect("a key")
    }

    fn pem(label: &str, der: &[u8]) -> String {
        pem_rfc7468::encode_string(label, LineEnding::LF, der).expect("written")
    }

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn a_key_file_is_read_as_it_was_written() {
        let (created, signs_from) = (Some(time("2026-11-21T09:30:00Z")), Some(time("2026-11-21T09:40:00Z")));
        for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
            for times in [
                KeyTimes { created, ..KeyTimes::default() },
                KeyTimes { created, signs_from, revokes_earlier: false },
                KeyTimes { created, signs_from, revokes_earlier: true },
            ] {
                let pkcs8 = pkcs8(algorithm);
                let text = write(&times, &pkcs8).expect("written");
                let (read, private) = parse("other", text.as_bytes()).expect("a key");
                assert_eq!((read, private.algorithm, &private.pkcs8), (times, algorithm, &pkcs8));
            }
        }
    }

    #[test]
    fn times_come_from_lines_else_from_the_name() {
        let key = pem(PKCS8, &pkcs8(KeyAlgorithm::Ed25519));
        let times =
            |kid: &str, lines: &str| parse(kid, format!("{lines}{key}").as_bytes()).map(|(times, _)| times);
        let named = KeyTimes { created: Some(time("2026-11-21T09:30:00Z")), ..KeyTimes::default() };
        assert_eq!(times(KID, ""), Ok(named));
        assert_eq!(times(KID, "# my key\nHost: a\n\n"), Ok(named), "other lines are comments");
        let lined = KeyTimes { created: Some(time("2026-01-01T00:00:00Z")), ..KeyTimes::default() };
        assert_eq!(times(KID, "created : 2026-01-01T01:00:00+01:00\n"), Ok(lined));
        for other in
            ["mine", "2026-11-21", "2026-11-21T093000Z", "2026-13-21T093000Z-a", "2026-11-21T0930\u{e9}Z-a"]
        {
            assert_eq!(times(other, ""), Ok(KeyTimes::default()), "{other}");
        }
        for (line, name) in [
            ("Created: now\n", CREATED),
            ("Created: 2026-11-21\n", CREATED),
            ("Signs-From:\n", SIGNS_FROM),
            ("Revokes-Earlier: 1\n", REVOKES_EARLIER),
        ] {
            assert_eq!(times(KID, line), Err(KeyFileFlaw::Line(name)), "{line}");
        }
        assert_eq!(times("mine", "Revokes-Earlier: yes\n"), Err(KeyFileFlaw::Line(REVOKES_EARLIER)));
    }

    #[test]
    fn repeated_line_is_refused_wherever_it_is() {
        let key = pem(PKCS8, &pkcs8(KeyAlgorithm::Ed25519));
        let time = "2026-11-21T09:30:00Z";
        for (name, one, other) in [
            (CREATED, time, "2026-01-01T00:00:00Z"),
            (SIGNS_FROM, time, time),
            (REVOKES_EARLIER, "yes", "no"),
            (REVOKES_EARLIER, "no", "yes"),
        ] {
            let (first, second) = (format!("{name}: {one}\n"), format!("{}: {other}\n", name.to_lowercase()));
            for text in [format!("{first}{second}{key}"), format!("{first}{key}{second}")] {
                let flaw = parse(KID, text.as_bytes()).err().expect("repeated");
                assert_eq!(flaw, KeyFileFlaw::RepeatedLine(name), "{text}");
                let said = flaw.about(Path::new("a.pem"));
                assert_eq!(said, format!("a.pem has several lines {name}: delete all but the right one"));
            }
            assert!(parse(KID, format!("{first}{key}").as_bytes()).is_ok(), "one line {name}");
        }
    }

    #[test]
    fn one_key_is_read_whatever_its_line_ends_and_widths() {
        for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
            let pkcs8 = pkcs8(algorithm);
            let pem = pem(PKCS8, &pkcs8);
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            let lines: Vec<_> = body.as_bytes().chunks(20).map(String::from_utf8_lossy).collect();
            let wrapped = lines.join("\n");
            let block = |body: &str| format!("-----BEGIN {PKCS8}-----\n{body}\n-----END {PKCS8}-----");
            for text in [
                pem.clone(),
                pem.replace('\n', "\r\n"),
                format!("\u{feff}{pem}"),
                format!("\n  {pem} \n\n\n"),
                format!("Key Attributes: <No Attributes>\n# my key\n{pem}"),
                format!("{pem}-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
                block(&body),
                block(&wrapped),
                block(&format!("\n{wrapped}\n")),
            ] {
                let (_, private) = parse("mine", text.as_bytes()).expect(&text);
                assert_eq!(private.pkcs8, pkcs8, "{text}");
            }
        }
    }

    /// RFC 8410, section 10.3: version 2 contains the public key and may have attributes.
    #[test]
    fn pkcs8_of_version_2_is_read() {
        const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
            MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
            oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
            Z9w7lshQhqowtrbLDFw4rXAxZuE=\n\
            -----END PRIVATE KEY-----\n";
        let (_, private) = parse("mine", PEM.as_bytes()).expect("a key");
        assert_eq!((private.algorithm, private.public[0]), (KeyAlgorithm::Ed25519, 0x19));
    }

    #[test]
    fn anything_but_one_private_key_is_refused() {
        let key = pem(PKCS8, &pkcs8(KeyAlgorithm::Ed25519));
        for (other, flaw) in [
            (String::new(), KeyFileFlaw::Empty),
            (" \n".to_owned(), KeyFileFlaw::Empty),
            ("secret".to_owned(), KeyFileFlaw::NotAKey),
            ("-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----".to_owned(), KeyFileFlaw::NotAKey),
            (key.clone() + &key, KeyFileFlaw::SeveralKeys),
            (key.replace("PRIVATE", "PUBLIC"), KeyFileFlaw::Public),
            (key.replace("PRIVATE KEY", "CERTIFICATE"), KeyFileFlaw::Public),
            ("ssh-ed25519 AAAA me".to_owned(), KeyFileFlaw::Public),
            (key.replace("PRIVATE", "ENCRYPTED PRIVATE"), KeyFileFlaw::Encrypted),
            (key.replace("PRIVATE", "OPENSSH PRIVATE"), KeyFileFlaw::OpenSsh),
            (key.replace("PRIVATE", "RSA PRIVATE"), KeyFileFlaw::OtherAlgorithm),
            (key.replace("-----END PRIVATE KEY-----", ""), KeyFileFlaw::NotAKey),
            (key.replacen("MC4", "MC5", 1), KeyFileFlaw::OtherAlgorithm),
            (key.replacen("MC4", "M*4", 1), KeyFileFlaw::NotAKey),
            (r#"{"kty":"OKP","crv":"Ed25519","d":"AAAA"}"#.to_owned(), KeyFileFlaw::Jwk),
        ] {
            assert_eq!(parse("mine", other.as_bytes()).err(), Some(flaw), "{other}");
        }
        let utf16: Vec<_> = key.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(parse("mine", &utf16).err(), Some(KeyFileFlaw::Utf16));
        for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
            assert_eq!(parse("mine", &pkcs8(algorithm)).err(), Some(KeyFileFlaw::Der));
        }
        assert_eq!(parse("mine", &[0x80, 1]).err(), Some(KeyFileFlaw::NotAKey));
    }
}
