//! Answers, read as far as a measurement needs it.

use std::io;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawResponse<'a> {
    /// Its status.
    pub status: u16,
    /// Its lines before the body, as they came.
    pub head: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

impl<'a> RawResponse<'a> {
    /// The answer at the beginning of what was received; `None` while some of it is missing.
    ///
    /// # Errors
    /// When it is no answer of HTTP/1.1 with a length: the service gives each of its own one.
    pub fn parse(received: &'a [u8]) -> io::Result<Option<Self>> {
        let Some(end) = received.windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END) else {
            return Ok(None);
        };
        let head = str::from_utf8(&received[..end]).map_err(|_| malformed("a head that is not UTF-8"))?;
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| malformed("no status line"))?;
        let length = header(head, "content-length").and_then(|length| length.parse::<usize>().ok());
        let length = match (status, length) {
            (204 | 304, None) => 0,
            (_, length) => length.ok_or_else(|| malformed("an answer without a length"))?,
        };
        let body = &received[end + HEAD_END.len()..];
        Ok(body.get(..length).map(|body| Self { status, head, body }))
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        header(self.head, name)
    }

    /// The value of a member of a JSON body, as it is spelt there between quotation marks: enough for tokens.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&'a str> {
        let body = str::from_utf8(self.body).ok()?;
        let quoted = format!("\"{name}\":\"");
        let (_, rest) = body.split_once(&quoted)?;
        rest.split_once('"').map(|(value, _)| value)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 13\r\n\r\n{\"token\":\"x\"}";

    #[test]
    fn response_in_pieces_is_complete_at_its_last_byte() {
        for end in 0..ANSWER.len() {
            assert_eq!(RawResponse::parse(&ANSWER[..end]).expect("no fault"), None, "{end}");
        }
        let response = RawResponse::parse(ANSWER).expect("no fault").expect("an answer");
        assert_eq!((response.status, response.body), (200, &b"{\"token\":\"x\"}"[..]));
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!((response.member("token"), response.member("other")), (Some("x"), None));
    }

    #[test]
    fn malformed_response_is_an_error() {
        for other in
            [&b"HTTP/1.0 200 OK\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\n\r\n", b"\xff\r\n\r\n", b"\r\n\r\n"]
        {
            assert!(RawResponse::parse(other).is_err(), "{other:?}");
        }
    }
}
