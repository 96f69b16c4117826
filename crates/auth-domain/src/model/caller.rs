//! On whose behalf a use case runs.

use std::fmt;

use super::{ApiKeyId, ClientAddress};

/// A request from outside, on whose behalf a use case runs ([`Auth::called_by`](crate::Auth::called_by)).
///
/// Limits count by the end user's address, or else by the API key, or else by the address. Callers without any of these
/// share one counter. Audit events name the request, the key and where the call came from.
///
/// ```
/// use std::net::SocketAddr;
///
/// use auth_domain::model::Caller;
///
/// let peer: SocketAddr = "192.0.2.1:54321".parse()?; // from the connection
/// let caller = Caller::at(peer.ip());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    address: Option<ClientAddress>,
    end_user: Option<ClientAddress>,
    request: Option<RequestId>,
    api_key: Option<ApiKeyId>,
}

impl Caller {
    /// Creates a caller at this address: the peer of the connection, or the client that a trusted proxy reports.
    #[must_use]
    pub fn at(address: impl Into<ClientAddress>) -> Self {
        Self { address: Some(address.into()), ..Self::without_address() }
    }

    /// Creates a caller whose address is not known, such as a peer of a Unix domain socket.
    ///
    /// All callers without an address share one counter of each limit. A service whose addresses are usually unknown
    /// therefore soon refuses all of them.
    #[must_use]
    pub const fn without_address() -> Self {
        Self { address: None, end_user: None, request: None, api_key: None }
    }

    /// Sets the address of the end user on whose behalf a trusted program calls, as that program reports it.
    #[must_use]
    pub fn with_end_user(self, address: impl Into<ClientAddress>) -> Self {
        Self { end_user: Some(address.into()), ..self }
    }

    /// Sets the id of the request, which audit events contain.
    #[must_use]
    pub fn with_request(self, id: RequestId) -> Self {
        Self { request: Some(id), ..self }
    }

    /// Sets the API key with which the caller has authenticated.
    pub(crate) fn with_api_key(self, id: ApiKeyId) -> Self {
        Self { api_key: Some(id), ..self }
    }

    /// Returns the client address.
    #[must_use]
    pub fn address(&self) -> Option<ClientAddress> {
        self.address
    }

    /// Returns the API key with which the caller has authenticated
    /// ([`UseCases::with_api_key`](crate::UseCases::with_api_key)).
    #[must_use]
    pub fn api_key(&self) -> Option<ApiKeyId> {
        self.api_key
    }

    /// Returns the address by which limits count. `None` if they count by the API key, or by the counter that callers
    /// without an address share.
    #[must_use]
    pub fn counted_address(&self) -> Option<ClientAddress> {
        self.end_user.or(self.address.filter(|_| self.api_key.is_none()))
    }

    /// Returns whether the caller differs from others by an address or an API key.
    #[must_use]
    pub fn is_identified(&self) -> bool {
        self.counted_address().is_some() || self.api_key.is_some()
    }

    /// Returns the caller as an audit event names it, with the address of the end user instead of the program's.
    #[must_use]
    pub fn audited(&self) -> AuditedCaller {
        AuditedCaller {
            address: self.end_user.or(self.address),
            request: self.request,
            api_key: self.api_key,
        }
    }
}

/// The caller of an audit event. The default is the system, or a caller of which nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditedCaller {
    /// The address of the end user, or else of the client. `None` if neither is known.
    pub address: Option<ClientAddress>,
    /// The request that made the call.
    pub request: Option<RequestId>,
    /// The API key with which a trusted program authenticated.
    pub api_key: Option<ApiKeyId>,
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
