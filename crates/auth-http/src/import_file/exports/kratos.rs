//! Ory Kratos: identities with their credentials, as the administrative API returns them with `include_credential=password`
//! (<https://www.ory.sh/docs/kratos/reference/api#tag/identity/operation/listIdentities>).

use serde_json::Value;

use crate::import_file::export::{Mapped, Members, User};

pub(in crate::import_file) fn map(mut members: Members) -> Result<Mapped, String> {
    let mut user = User::default();
    user.set("external_id", members.text("id")?);
    let mut traits = members.object("traits")?.ok_or("traits is required")?;
    let password = match members.object("credentials")? {
        Some(mut credentials) => credentials.object("password")?,
        None => None,
    };
    let (names, hash) = password.map(names_and_hash).transpose()?.unwrap_or_default();
    let name_with = |has_at: bool| names.iter().find(|name| name.contains('@') == has_at).cloned();
    let email = traits.text("email")?.or_else(|| name_with(true));
    user.set("username", traits.text("username")?.or_else(|| name_with(false)));
    user.set("email", email.clone());
    user.set("password_hash", hash);
    let mut is_verified = false;
    for mut address in members.objects("verifiable_addresses") {
        let is_same = address.text("value")?.map(|value| value.to_lowercase())
            == email.as_ref().map(|email| email.to_lowercase());
        is_verified |= is_same && address.flag("verified")?.unwrap_or(false);
    }
    user.set_verified(is_verified);
    user.set("display_name", display_name(&mut traits)?);
    user.set("phone_number", traits.text("phone")?);
    user.set_suspended(members.text("state")?.as_deref() == Some("inactive"));
    user.set("created_at", members.text("created_at")?);
    Ok(user.finish(members))
}

/// The identifiers and the hash of a password.
fn names_and_hash(mut password: Members) -> Result<(Vec<String>, Option<String>), String> {
    let names = match password.0.remove("identifiers") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let hash = password.object("config")?.map(|mut config| config.text("hashed_password")).transpose()?;
    Ok((names, hash.flatten()))
}

/// The name in the traits: a text, or the parts of the examples in the documentation of Kratos.
fn display_name(traits: &mut Members) -> Result<Option<String>, String> {
    if !matches!(traits.0.get("name"), Some(Value::Object(_))) {
        return traits.text("name");
    }
    let Some(mut name) = traits.object("name")? else { return Ok(None) };
    let parts = [name.text("first")?, name.text("last")?];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok(Some(name).filter(|name| !name.is_empty()))
}
