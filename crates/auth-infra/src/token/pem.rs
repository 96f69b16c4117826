//! Private keys as text: one PKCS#8 block in PEM (RFC 7468, section 10).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// Characters a line (RFC 7468, section 2).
const LINE: usize = 64;

/// Writes a PKCS#8 structure as PEM.
pub(super) fn encode(pkcs8: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    let mut pem = Zeroizing::new(String::with_capacity(BEGIN.len() + END.len() + 2 * body.len()));
    pem.push_str(BEGIN);
    for (index, character) in body.chars().enumerate() {
        if index % LINE == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push('\n');
    pem.push_str(END);
    pem.push('\n');
    pem
}

/// Reads the PKCS#8 structure of a text that is one block and nothing else; `None` when it is anything else, such as
/// a public key, an encrypted one, one in the older formats of its algorithm, or two of them.
pub(super) fn decode(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let lines = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let mut body = Zeroizing::new(String::with_capacity(lines.len()));
    body.extend(lines.split_ascii_whitespace());
    STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for length in [1, 47, 48, 49, 138] {
            let key = vec![0xa5; length];
            let pem = encode(&key);
            assert!(pem.lines().all(|line| line.len() <= LINE) && pem.ends_with(&format!("\n{END}\n")));
            assert_eq!(decode(&pem).as_deref(), Some(&key));
            assert_eq!(decode(&pem.replace('\n', "\r\n")).as_deref(), Some(&key));
        }
    }

    #[test]
    fn anything_but_one_block_is_refused() {
        let pem = encode(&[0xa5; 48]).to_string();
        for other in [
            String::new(),
            BEGIN.to_owned() + END,
            pem.clone() + &pem,
            pem.replace("PRIVATE", "PUBLIC"),
            pem.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            pem.replace("PRIVATE", "EC PRIVATE"),
            pem.replace("-----END PRIVATE KEY-----", ""),
            pem.replacen("pa", "p*", 1),
            format!("# my key\n{pem}"),
        ] {
            assert_eq!(decode(&other).filter(|key| !key.is_empty()), None, "{other}");
        }
    }
}
