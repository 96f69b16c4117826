//! Keycloak: the users of a realm export (<https://www.keycloak.org/server/importExport>), as described by
//! `UserRepresentation` and `CredentialRepresentation` (<https://www.keycloak.org/docs-api/latest/rest-api/index.html>).

use crate::import_file::export::{Mapped, Members, User, time_of_millis};

use super::{base64, phc_base64};

pub(in crate::import_file) fn map(mut members: Members) -> Result<Mapped, String> {
    // A service account belongs to a client and has no password.
    if members.text("serviceAccountClientId")?.is_some() {
        return Ok(Mapped::Other);
    }
    let mut user = User::default();
    user.set("external_id", members.text("id")?);
    user.set("username", members.text("username")?);
    user.set("email", members.text("email")?);
    user.set_verified(members.flag("emailVerified")?.unwrap_or(false));
    user.set_suspended(members.flag("enabled")? == Some(false));
    let names = [members.text("firstName")?, members.text("lastName")?];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    user.set("display_name", Some(name).filter(|name| !name.is_empty()));
    let created = members.text("createdTimestamp")?;
    user.set("created_at", created.map(|millis| time_of_millis(&millis)).transpose()?);
    for mut credential in members.objects("credentials") {
        if credential.text("type")?.as_deref() == Some("password") {
            user.set("password_hash", Some(password(credential)?));
        }
    }
    Ok(user.finish(members))
}

/// The hash of a credential as a PHC string.
fn password(mut credential: Members) -> Result<String, String> {
    // Before version 8, the members of both objects were those of the credential.
    let Some(mut parameters) = credential.object("credentialData")? else { return old_password(credential) };
    let mut secret = credential.object("secretData")?.ok_or("credentials must have secretData")?;
    let (tag, salt) = (secret.required("value")?, secret.required("salt")?);
    hash(&mut parameters, &salt, &tag)
}

fn old_password(mut credential: Members) -> Result<String, String> {
    let (tag, salt) = (credential.required("hashedSaltedValue")?, credential.required("salt")?);
    hash(&mut credential, &salt, &tag)
}

fn hash(parameters: &mut Members, salt: &str, tag: &str) -> Result<String, String> {
    let malformed = || "credentials have a hash or a salt that is not in base64".to_owned();
    let (salt, tag) = (base64(salt).ok_or_else(malformed)?, base64(tag).ok_or_else(malformed)?);
    let (salt, encoded_tag) = (phc_base64(&salt), phc_base64(&tag));
    let rounds = number(parameters.text("hashIterations")?)?;
    let algorithm = parameters.text("algorithm")?.unwrap_or_default();
    let digest = match &algorithm[..] {
        "argon2" => {
            let more = parameters.object("additionalParameters")?;
            return argon2(
                more.ok_or("credentials must have additionalParameters")?,
                rounds,
                &salt,
                &encoded_tag,
            );
        }
        "pbkdf2" => "sha1",
        "pbkdf2-sha256" => "sha256",
        "pbkdf2-sha512" => "sha512",
        _ => return Err("credentials have an unknown algorithm".to_owned()),
    };
    Ok(format!("$pbkdf2-{digest}$i={rounds},l={}${salt}${encoded_tag}", tag.len()))
}

fn argon2(mut more: Members, rounds: u64, salt: &str, tag: &str) -> Result<String, String> {
    let kind = match first(&mut more, "type").as_deref() {
        Some("id") | None => "argon2id",
        Some("i") => "argon2i",
        Some("d") => "argon2d",
        Some(_) => return Err("credentials have an unknown type of Argon2".to_owned()),
    };
    let version = if first(&mut more, "version").as_deref() == Some("1.0") { 16 } else { 19 };
    let memory = number(first(&mut more, "memory"))?;
    let lanes = number(first(&mut more, "parallelism"))?;
    Ok(format!("${kind}$v={version}$m={memory},t={rounds},p={lanes}${salt}${tag}"))
}

/// The first text of a list: each parameter is a list of one text.
fn first(members: &mut Members, name: &str) -> Option<String> {
    Some(members.0.remove(name)?.as_array()?.first()?.as_str()?.to_owned())
}

fn number(text: Option<String>) -> Result<u64, String> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| "credentials lack a parameter of the hash".to_owned())
}
