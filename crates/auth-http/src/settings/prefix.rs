//! What a dialect's paths may begin with.

/// What [`is_valid`] takes.
pub(super) const ALLOWED: &str = "/SEGMENT[/SEGMENT].. of letters, digits and -._~, without a slash at the end, and not one of the service's own \
     paths";

/// The paths beside the dialects.
const RESERVED: &[&str] = &[".well-known", "health", "docs", "openapi", "metrics"];

pub(super) fn is_valid(prefix: &str) -> bool {
    let Some(path) = prefix.strip_prefix('/') else { return false };
    let mut segments = path.split('/');
    let first = segments.clone().next().unwrap_or_default();
    segments.all(is_segment) && !RESERVED.contains(&first)
}

fn is_segment(segment: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !segment.is_empty() && !matches!(segment, "." | "..") && segment.bytes().all(sane)
}
