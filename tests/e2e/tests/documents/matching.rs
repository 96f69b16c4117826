//! Whether an answer is what a document prints, where it prints placeholders and samples of what differs each time.

use serde_json::Value;

/// A sample or a placeholder that documents print, and whether a value is of its kind.
type Kind = (&'static str, fn(&Value) -> bool);

const KINDS: [Kind; 16] = [
    ("string", is_text),
    ("error message", is_text),
    ("number", Value::is_u64),
    ("uuid-string", is_uuid),
    ("550e8400-e29b-41d4-a716-446655440000", is_uuid),
    ("jwt-string", is_jwt),
    ("string (access token)", is_jwt),
    ("string (new access token)", is_jwt),
    ("ey...<jwt_access_token>...", is_jwt),
    ("ey...<new_access_token>...", is_jwt),
    ("eyJhbGciOiJIUzI1NiIsInR5cCI6Ikp...", is_jwt),
    ("newAccessTokenHere", is_jwt),
    ("2023-10-27T10:00:00Z", is_time),
    ("2025-08-13T10:15:30Z", is_time),
    ("string (date)", is_time),
    ("dGhpc2lzYXJlZnJlc2h0b2tlbg==", is_text),
];

/// Refresh tokens, which one document prints as if they were JWTs: to clients they are texts.
const REFRESH_TOKENS: [&str; 2] = ["ey...<jwt_refresh_token>...", "ey...<new_refresh_token>..."];

/// The number of the first account, which the document of `accounts` prints for any.
const SAMPLE_NUMBER: u64 = 1;

/// Whether `answer` has the members of `printed`, no more and none less, at any depth, and its texts; what differs is the
/// error.
pub(crate) fn compare(response: &Value, printed: &Value, place: &str) -> Result<(), String> {
    match (response, printed) {
        (Value::Object(response), Value::Object(printed)) => {
            let (has, should_have): (Vec<_>, Vec<_>) = (response.keys().collect(), printed.keys().collect());
            if has != should_have {
                return Err(format!("{place} has {has:?} and not {should_have:?}"));
            }
            printed.iter().try_for_each(|(name, printed)| {
                compare(&response[name], printed, &format!("{place}'s {name}"))
            })
        }
        (Value::Array(response), Value::Array(printed)) if response.len() == printed.len() => {
            response.iter().zip(printed).try_for_each(|(response, printed)| compare(response, printed, place))
        }
        _ if is_like(response, printed) => Ok(()),
        _ => Err(format!("{place} is {response} and not {printed}")),
    }
}

fn is_like(response: &Value, printed: &Value) -> bool {
    if printed.as_u64() == Some(SAMPLE_NUMBER) {
        return response.is_u64();
    }
    let Some(text) = printed.as_str() else { return response == printed };
    if REFRESH_TOKENS.contains(&text) {
        return is_text(response);
    }
    let kind = KINDS.iter().find(|(sample, _)| *sample == text);
    kind.map_or(response == printed, |(_, is_of_kind)| is_of_kind(response))
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn is_uuid(value: &Value) -> bool {
    has_form(value, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

/// RFC 3339, in UTC and whole seconds.
fn is_time(value: &Value) -> bool {
    has_form(value, "dddd-dd-ddTdd:dd:ddZ")
}

/// RFC 7519, in the compact serialisation of RFC 7515: three parts, the first of which is a JSON object.
fn is_jwt(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let is_base64url = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    text.starts_with("eyJ") && text.split('.').count() == 3 && text.split('.').all(is_base64url)
}

/// Whether a text has this form, in which `d` is a digit and `x` a hexadecimal one in lower case.
fn has_form(value: &Value, form: &str) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == form.len() && text.chars().zip(form.chars()).all(|(c, form)| fits(c, form))
    })
}

fn fits(c: char, form: char) -> bool {
    match form {
        'd' => c.is_ascii_digit(),
        'x' => c.is_ascii_digit() || ('a'..='f').contains(&c),
        other => c == other,
    }
}

#[test]
fn compare_reports_each_kind_of_difference() {
    let printed =
        r#"{"a":"exact","b":{"id":"uuid-string","at":"2023-10-27T10:00:00Z"},"n":1,"t":["jwt-string"]}"#;
    let good = r#"{"a":"exact","b":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","at":"2026-01-02T03:04:05Z"},"n":7,"t":["eyJh.eyJi.c_-"]}"#;
    let compare_to = |text: &str| {
        let [response, printed] = [text, printed].map(|json| serde_json::from_str(json).expect("JSON"));
        compare(&response, &printed, "it")
    };
    assert_eq!(compare_to(good), Ok(()));
    for (from, to) in [
        ("exact", "exact."),
        (r#""a":"exact","#, ""),
        (r#""a""#, r#""more":1,"a""#),
        (r#""id""#, r#""more":1,"id""#),
        ("01890a5d-", "01890A5D-"),
        ("05Z", "05.5Z"),
        ("05Z", "05+00:00"),
        (":7", r#":"7""#),
        (".c_-", ""),
        (r#"["eyJh.eyJi.c_-"]"#, "[]"),
    ] {
        assert!(good.contains(from) && compare_to(&good.replace(from, to)).is_err(), "{from} by {to}");
    }
}
