use super::*;

fn read(url: &str) -> Result<PostgresUrl, InvalidPostgresUrl> {
    PostgresUrl::parse_with(url, |_| None)
}

fn refusal(url: &str) -> String {
    read(url).expect_err(url).to_string()
}

#[test]
fn every_form_of_url_is_read_as_libpq_reads_it() {
    for (url, host, port, user, database, password) in [
        ("postgres://u@h/d", "h", 5432, "u", Some("d"), None),
        ("postgresql://u:p@h:5433/d", "h", 5433, "u", Some("d"), Some("p")),
        ("postgres://u@h", "h", 5432, "u", None, None),
        ("postgres://u@h:/", "h", 5432, "u", None, None),
        ("postgres://u@[::1]:5433/d", "::1", 5433, "u", Some("d"), None),
        ("postgres://u@[2001:db8::1]/d?port=7", "2001:db8::1", 7, "u", Some("d"), None),
        ("postgres://u@%2Frun%2Fpostgresql/d", "/run/postgresql", 5432, "u", Some("d"), None),
        ("postgres://u@/d?host=/run/postgresql&port=7", "/run/postgresql", 7, "u", Some("d"), None),
        ("postgres:///d?host=h&user=u&password=p", "h", 5432, "u", Some("d"), Some("p")),
        ("postgres://v:o@g:1/c?host=h&port=2&user=u&password=p&dbname=d", "h", 2, "u", Some("d"), Some("p")),
        ("postgres://u@h/a/b", "h", 5432, "u", Some("a/b"), None),
        ("postgres://u@h/d?hostaddr=192.0.2.1", "192.0.2.1", 5432, "u", Some("d"), None),
        (
            "postgres://u%40x:%40%3A%2F%3F%23%25%26%20%2B@h/d%3F",
            "h",
            5432,
            "u@x",
            Some("d?"),
            Some("@:/?#%& +"),
        ),
        ("postgres://u:p#s?s:w+x@h/d", "h", 5432, "u", Some("d"), Some("p#s?s:w+x")),
        ("postgres://u@h/d?password=a+b%2B", "h", 5432, "u", Some("d"), Some("a+b+")),
        ("postgres://u@h/d?%73slmode=disable", "h", 5432, "u", Some("d"), None),
    ] {
        let parsed = read(url).expect(url);
        let options = parsed.options().expect(url);
        let socket = options.get_socket().map(|socket| socket.display().to_string());
        let found = (
            socket.unwrap_or_else(|| options.get_host().to_owned()),
            options.get_port(),
            options.get_username(),
            options.get_database(),
            parsed.all.get("password"),
        );
        assert_eq!(found, (host.to_owned(), port, user, database, password), "{url}");
        assert_eq!(parsed.has_password(), password.is_some(), "{url}");
    }
    assert!(read("postgres://").expect("defaults").options().is_ok());
    let named = read("postgres://u@h/d?fallback_application_name=x&options=-c%20geqo%3Doff").expect("a URL");
    let named = named.options().expect("options");
    assert_eq!((named.get_application_name(), named.get_options()), (Some("x"), Some("-c geqo=off")));
}

#[test]
fn what_protects_the_connection_is_honoured() {
    let directory = tempfile::tempdir().expect("a directory");
    let pem = directory.path().join("ca.pem");
    std::fs::write(&pem, "-----BEGIN CERTIFICATE-----").expect("written");
    let pem = pem.display();
    for (query, mode) in [
        ("", "Prefer"),
        ("sslmode=disable", "Disable"),
        ("sslmode=allow", "Prefer"),
        ("sslmode=prefer", "Prefer"),
        ("sslmode=require", "Require"),
        ("ssl=true", "Require"),
        ("requiressl=1", "Require"),
        ("sslmode=verify-ca", "VerifyFull"),
        ("sslmode=verify-full", "VerifyFull"),
        ("ssl-mode=verify-full", "VerifyFull"),
        ("sslrootcert=system", "VerifyFull"),
        ("sslmode=verify-full&sslrootcert=system", "VerifyFull"),
        (&format!("sslmode=verify-full&sslrootcert={pem}"), "VerifyFull"),
        // As in libpq, the file makes the weaker mode verify.
        (&format!("sslmode=require&sslrootcert={pem}"), "VerifyFull"),
        (&format!("sslmode=require&sslcert={pem}&sslkey={pem}"), "Require"),
        ("channel_binding=prefer&gssencmode=disable&sslnegotiation=postgres", "Prefer"),
        ("ssl_min_protocol_version=TLSv1.2&ssl_max_protocol_version=tlsv1.3&sslsni=1", "Prefer"),
        ("target_session_attrs=read-write&load_balance_hosts=random&connect_timeout=3", "Prefer"),
        ("keepalives=1&keepalives_idle=1&keepalives_interval=1&keepalives_count=1", "Prefer"),
        ("tcp_user_timeout=1&client_encoding=auto&replication=off&sslcompression=1", "Prefer"),
        ("sslcrl=&require_auth=", "Prefer"),
    ] {
        let options = read(&format!("postgres://u@h/d?{query}")).and_then(|url| url.options());
        assert_eq!(format!("{:?}", options.expect(query).get_ssl_mode()), mode, "{query}");
    }
    let socket =
        read("postgres://u@%2Frun/d?sslmode=require").and_then(|url| url.options()).expect("options");
    assert_eq!(format!("{:?}", socket.get_ssl_mode()), "Disable", "libpq ignores the mode too");
    let missing = read("postgres://u@h/d?sslmode=verify-full&sslrootcert=/nonexistent").expect("a URL");
    let message = missing.options().expect_err("missing").to_string();
    assert!(message.starts_with("the file of sslrootcert cannot be read: "), "{message}");
}

#[test]
fn what_would_not_protect_the_connection_is_refused() {
    for (query, text) in [
        (
            "sslmode=verify_full",
            "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        ("sslrootcert=ca.pem", "sslrootcert protects nothing with sslmode=prefer: use sslmode=verify-full"),
        ("sslmode=disable&sslrootcert=ca.pem", "sslrootcert protects nothing with sslmode=disable"),
        ("sslmode=require&sslrootcert=system", "sslrootcert=system requires sslmode=verify-full"),
        ("sslmode=verify-full&hostaddr=192.0.2.1", "hostaddr cannot be used with verification"),
        ("sslcert=a", "sslcert and sslkey are needed together"),
        ("sslkey=a", "sslcert and sslkey are needed together"),
        ("sslpassword=x", "sslpassword is not supported here: "),
        ("sslcertmode=require", "sslcertmode is not supported here: "),
        ("sslcrl=a", "sslcrl is not supported here: the service reads no lists of revoked certificates"),
        ("sslcrldir=a", "sslcrldir is not supported here: "),
        ("sslsni=0", "sslsni is not supported here: "),
        ("sslnegotiation=direct", "sslnegotiation is not supported here: "),
        ("ssl_min_protocol_version=TLSv1.3", "ssl_min_protocol_version is not supported here: "),
        ("ssl_max_protocol_version=TLSv1.2", "ssl_max_protocol_version is not supported here: "),
        ("channel_binding=require", "channel_binding is not supported here: "),
        ("require_auth=scram-sha-256", "require_auth is not supported here: "),
        ("gssencmode=require", "gssencmode is not supported here: "),
        ("krbsrvname=postgres", "krbsrvname is not supported here: "),
        ("gssdelegation=1", "gssdelegation is not supported here: "),
        ("requirepeer=postgres", "requirepeer is not supported here: "),
        ("target_session_attrs=standby", "target_session_attrs is not supported here: the service writes"),
        ("replication=database", "replication is not supported here: "),
        ("service=x", "service is not supported here: the service reads no service file"),
        ("passfile=x", "passfile is not supported here: set the variable PGPASSFILE instead"),
        ("host=a,b", "it has several hosts: name one"),
    ] {
        let message = refusal(&format!("postgres://u@h/d?{query}"));
        assert!(message.starts_with(text), "{query}: {message}");
    }
}

#[test]
fn variables_of_libpq_are_read_like_parameters() {
    let with = |name: &'static str, value: &'static str, url: &str| {
        PostgresUrl::parse_with(url, |found| (found == name).then(|| value.to_owned()))
    };
    for (name, value, text) in [
        ("PGSSLMODE", "verify_full", "PGSSLMODE must be one of "),
        ("PGSSLCRL", "a", "PGSSLCRL is not supported here: "),
        ("PGREQUIREAUTH", "none", "PGREQUIREAUTH is not supported here: "),
        ("PGCHANNELBINDING", "require", "PGCHANNELBINDING is not supported here: "),
        ("PGSERVICE", "x", "PGSERVICE is not supported here: "),
        ("PGSSLROOTCERT", "ca.pem", "sslrootcert protects nothing with sslmode=prefer"),
    ] {
        let message = with(name, value, "postgres://u@h/d").expect_err(name).to_string();
        assert!(message.starts_with(text), "{message}");
    }
    let mode = |name, value, url| with(name, value, url).expect(url).all.ssl_mode();
    assert_eq!(mode("PGSSLMODE", "require", "postgres://u@h/d"), SslMode::Require);
    assert_eq!(mode("PGSSLMODE", "require", "postgres://u@h/d?sslmode=disable"), SslMode::Disable);
    assert_eq!(mode("PGREQUIRESSL", "1", "postgres://u@h/d"), SslMode::Require);
    assert_eq!(mode("PGSSLROOTCERT", "system", "postgres://u@h/d"), SslMode::VerifyFull);
    assert_eq!(mode("PGSSLCRL", "", "postgres://u@h/d"), SslMode::Prefer);
    let url = with("PGPASSWORD", "hunter2", "postgres://u@h/d").expect("a URL");
    assert_eq!((url.all.get("password"), url.has_password()), (Some("hunter2"), false));
}

#[test]
fn errors_hint_at_the_encoding_and_quote_nothing() {
    for (url, text) in [
        ("postgres://u:hunter2/x@h/d", "the database name contains a raw @"),
        ("postgres://u:hunter2@h:x/d", "the port is not a number"),
        ("postgres://u:p@hunter2@h/d", "the host contains a raw @"),
        ("postgres://u:hunter2%@h/d", "a % is not followed by two hexadecimal digits"),
        ("postgres://u:hunter2%zz@h/d", "a % is not followed by two hexadecimal digits"),
        ("postgres://u@h/d?password=a&hunter2", "a parameter after ? has no ="),
        ("postgres://u@h/d?HUNTER2=x", "it has an unknown parameter"),
        ("postgres://u@h/d?passwrod=hunter2", "PostgreSQL has no parameter passwrod"),
    ] {
        let message = refusal(url);
        assert!(message.starts_with(text) && message.ends_with(ENCODING_HINT), "{url}: {message}");
        assert!(!message.to_lowercase().contains("hunter2"), "{message}");
    }
    for url in [
        "postgres://u:hunter2%00@h/d",
        "postgres://u:hunter2@[::1/d",
        "postgres://u:hunter2@h:0/d",
        "hunter2",
    ] {
        assert!(!refusal(url).contains("hunter2"), "{url}");
    }
    for url in ["postgres://u:hunter2@h/d", "postgres://:hunter2@h", "postgres://u@h/d?password=hunter2"] {
        let parsed = read(url).expect(url);
        let printed = format!("{parsed} {parsed:?}");
        assert!(!printed.contains("hunter2") && printed.contains(":********@h"), "{printed}");
    }
}

#[test]
fn printed_url_shows_where_the_store_is() {
    for (url, shown) in [
        ("postgresql://u@[::1]:5433/d?sslmode=require", "postgres://u@[::1]:5433/d?sslmode=require"),
        ("postgres:///d?host=/run/postgresql", "postgres://%2Frun%2Fpostgresql/d"),
        ("postgres://u%40x@h", "postgres://u%40x@h"),
    ] {
        assert_eq!(read(url).expect(url).to_string(), shown);
    }
    for (url, is_local) in
        [("postgres://u@[::1]/d", true), ("postgres://u@%2Frun/d", true), ("postgres://u@h/d", false)]
    {
        assert_eq!(read(url).expect(url).is_local(), is_local, "{url}");
    }
}

/// Connects to a server without TLS. Returns what the client sends apart from the request for TLS.
async fn sent_without_tls(query: &str) -> Vec<u8> {
    use sqlx::ConnectOptions as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// The request for TLS: its length, and the code 80877103.
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("postgres://u:hunter2@{}/d?{query}", server.local_addr().expect("an address"));
    let options = read(&url).and_then(|url| url.options()).expect("options");
    let client = tokio::spawn(async move { options.connect().await.is_err() });
    let (mut connection, _) = server.accept().await.expect("a client");
    let mut sent = vec![0; 8];
    connection.read_exact(&mut sent).await.expect("a request");
    if sent == SSL_REQUEST {
        connection.write_all(b"N").await.expect("sent");
        sent.clear();
    }
    let mut rest = [0; 512];
    let length = connection.read(&mut rest).await.unwrap_or(0);
    sent.extend_from_slice(&rest[..length]);
    drop(connection);
    assert!(client.await.expect("joined"), "the server is no PostgreSQL");
    sent
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_without_the_required_tls() {
    for query in
        ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full", "sslrootcert=system", "ssl=true"]
    {
        assert!(sent_without_tls(query).await.is_empty(), "{query}");
    }
    for query in ["sslmode=disable", "sslmode=allow", "sslmode=prefer", ""] {
        assert!(!sent_without_tls(query).await.is_empty(), "{query}");
    }
}
