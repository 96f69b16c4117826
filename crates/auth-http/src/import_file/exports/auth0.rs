//! Auth0: the export of users (<https://auth0.com/docs/manage-users/user-migration/bulk-user-exports>), the export of password
//! hashes, which its support makes, and the format of a bulk import
//! (<https://auth0.com/docs/manage-users/user-migration/bulk-user-imports>).

use crate::import_file::export::{Mapped, Members, User};

use super::{base64, phc_base64};

pub(in crate::import_file) fn map(mut members: Members) -> Result<Mapped, String> {
    let mut user = User::default();
    let (user_id, object_id) = (members.text("user_id")?, object_id(&mut members)?);
    user.set("external_id", user_id.or(object_id));
    let email = members.text("email")?;
    let name = members.text("name")?;
    // Auth0 uses the address as the name of a user without one.
    user.set("display_name", name.filter(|name| Some(name) != email.as_ref()));
    user.set("email", email);
    user.set("username", members.text("username")?);
    user.set_verified(members.flag("email_verified")?.unwrap_or(false));
    user.set("phone_number", members.text("phone_number")?);
    user.set_suspended(members.flag("blocked")?.unwrap_or(false));
    user.set("created_at", members.text("created_at")?);
    let plain = members.text("passwordHash")?.or(members.text("password_hash")?);
    let hash = match (plain, members.object("custom_password_hash")?) {
        (Some(hash), _) => Some(hash),
        (None, Some(custom)) => Some(custom_hash(custom)?),
        (None, None) => None,
    };
    user.set("password_hash", hash);
    Ok(user.finish(members))
}

/// The id in the export of password hashes, `{"$oid":".."}`. The user's id has a prefix that names the kind of connection.
fn object_id(members: &mut Members) -> Result<Option<String>, String> {
    let Some(mut id) = members.object("_id")? else { return Ok(None) };
    Ok(id.text("$oid")?.map(|id| format!("auth0|{id}")))
}

fn custom_hash(mut custom: Members) -> Result<String, String> {
    let algorithm = custom.required("algorithm")?;
    let mut hash = custom.object("hash")?.ok_or("custom_password_hash must have a hash")?;
    match &algorithm[..] {
        "argon2" | "bcrypt" | "pbkdf2" | "ldap" => hash.required("value"),
        "scrypt" => scrypt(custom, hash),
        "hmac" | "md4" | "md5" | "sha1" | "sha256" | "sha512" => {
            Err(format!("custom_password_hash has the algorithm {algorithm}, which is not supported"))
        }
        _ => Err("custom_password_hash has an unknown algorithm".to_owned()),
    }
}

fn scrypt(mut custom: Members, mut hash: Members) -> Result<String, String> {
    let mut salt = custom.object("salt")?.ok_or("custom_password_hash must have a salt")?;
    let mut number = |name: &str, default: u64| match custom.text(name)? {
        Some(text) => text.parse().map_err(|_| format!("custom_password_hash.{name} must be a number")),
        None => Ok(default),
    };
    let (cost, r, p) = (number("cost", 16_384)?, number("blockSize", 8)?, number("parallelization", 1)?);
    if !cost.is_power_of_two() {
        return Err("custom_password_hash.cost must be a power of two".to_owned());
    }
    let (salt, tag) = (phc_base64(&bytes(&mut salt, "utf8")?), phc_base64(&bytes(&mut hash, "base64")?));
    Ok(format!("$scrypt$ln={},r={r},p={p}${salt}${tag}", cost.ilog2()))
}

/// The bytes of a value in the encoding that it names.
fn bytes(value: &mut Members, default_encoding: &str) -> Result<Vec<u8>, String> {
    let encoding = value.text("encoding")?;
    let text = value.required("value")?;
    let bytes = match encoding.as_deref().unwrap_or(default_encoding) {
        "utf8" => Some(text.into_bytes()),
        "base64" => base64(&text),
        "hex" => hex(&text),
        _ => None,
    };
    bytes.ok_or_else(|| "custom_password_hash has a value that is not in its encoding".to_owned())
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2))
        .collect()
}
