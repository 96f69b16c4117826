//! On whose behalf a use case runs.

use std::fmt;

use super::{ApiKeyId, ClientAddress};

/// On whose behalf a use case runs ([`Auth::called_by`](crate::Auth::called_by)). Limits count by the end user's address, or
/// else the API key, or else the address. Audit events name the request, the key and where the call came from.
///
/// The default is for a program that acts on its own behalf: no limit by caller applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The client address. `None` if it is not known.
    pub address: Option<ClientAddress>,
    /// The address of the end user on whose behalf a trusted program calls, as that program reports it.
    pub end_user: Option<ClientAddress>,
    /// The request that made the call.
    pub request: Option<RequestId>,
    /// The API key with which a trusted program authenticated.
    pub api_key: Option<ApiKeyId>,
}

impl Caller {
    /// Returns the address by which limits count. `None` if they count by the API key, or not at all.
    #[must_use]
    pub fn counted_address(&self) -> Option<ClientAddress> {
        self.end_user.or(self.address.filter(|_| self.api_key.is_none()))
    }

    /// Returns the caller as an audit event names it, with the address of the end user instead of the program's.
    #[must_use]
    pub fn audited(&self) -> Self {
        Self { address: self.end_user.or(self.address), end_user: None, ..self.clone() }
    }
}

/// The id of a request in responses and logs: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub u64);

impl RequestId {
    /// Parses 16 hexadecimal digits, in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_well_formed = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_well_formed.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_round_trips() {
        for id in [RequestId(0), RequestId(0x0123_4567_89ab_cdef), RequestId(u64::MAX)] {
            assert_eq!(RequestId::parse(&id.to_string()), Some(id));
        }
        for text in ["", "123", "+123456789abcdef", "0123456789abcdefg", "0123456789abcde\u{e4}"] {
            assert_eq!(RequestId::parse(text), None, "{text}");
        }
    }
}
