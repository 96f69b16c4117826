//! The access token in an `Authorization` header (RFC 6750, section 2.1).

use crate::VerifyError;

/// Returns the token of a header such as `Bearer eyJ..`. The scheme is compared without case (RFC 9110, section 11.1).
pub(crate) fn bearer_token(header: Option<&str>) -> Result<&str, VerifyError> {
    let header = header.ok_or(VerifyError::MissingToken)?;
    let (scheme, token) = header.split_once(' ').ok_or(VerifyError::MissingToken)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim_matches(' '))
    } else {
        Err(VerifyError::MissingToken)
    }
}
