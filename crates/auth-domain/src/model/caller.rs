//! Who asks: what a use case knows of where a call comes from.

use std::fmt;
use std::net::IpAddr;

use super::ApiKeyId;

/// Where a call comes from. A use case is asked on behalf of one ([`Auth::called_by`](crate::Auth::called_by)): limits
/// count by it, and the audit trail names it. The default is nobody: a program that asks on its own behalf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The address that the call came from, as far as it can be believed.
    pub address: Option<IpAddr>,
    /// What the call is named by in the log.
    pub request: Option<RequestId>,
    /// The API key that a trusted program has shown.
    pub api_key: Option<ApiKeyId>,
}

/// The number of a request, as answers and logs have it: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
