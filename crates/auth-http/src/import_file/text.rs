//! Recognises texts that are neither JSON nor CSV.

/// Returns what a text is, by its first line and its first characters, and what to do instead. `None` for JSON and CSV.
pub(super) fn recognise(head: &[u8]) -> Option<&'static str> {
    let start = head.trim_ascii_start();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let begins =
        |text: &str| start.len() >= text.len() && start[..text.len()].eq_ignore_ascii_case(text.as_bytes());
    if line.is_empty() {
        return None;
    }
    if start.starts_with(b"<") {
        return Some("is XML or HTML: convert it to JSON lines or CSV");
    }
    if line == b"---" || start.starts_with(b"- ") || start.starts_with(b"%YAML") {
        return Some("is YAML: convert it to JSON");
    }
    if ["--", "/*", "insert into ", "create table ", "copy ", "begin;", "set ", "pragma ", "use `"]
        .iter()
        .any(|word| begins(word))
    {
        return Some("is a dump in SQL: export the table of users as CSV, with the names of the columns");
    }
    if begins("dn:") || begins("version: 1") {
        return Some("is LDIF: convert it to JSON lines or CSV");
    }
    if begins("hash_config") {
        return Some("contains hash parameters of Firebase, and no users: pass it as --hash-config");
    }
    is_password_file(line).then_some(
        "is a password file of a system or a web server: convert it to CSV with the columns username,password_hash",
    )
}

/// A line of `/etc/shadow`, `/etc/passwd` or `htpasswd`: a name, a colon, and a hash or the name of one.
fn is_password_file(line: &[u8]) -> bool {
    let mut parts = line.split(|byte| *byte == b':');
    let (name, hash) = (parts.next().unwrap_or_default(), parts.next());
    let is_name = !name.is_empty() && name.iter().all(|byte| !b" \"'{[,;\t|".contains(byte));
    is_name
        && (hash.is_some_and(|hash| hash.starts_with(b"$") || hash.starts_with(b"{")) || parts.count() >= 4)
}
