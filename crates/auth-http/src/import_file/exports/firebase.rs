//! Firebase Authentication: the files of `auth:export` (<https://firebase.google.com/docs/cli/auth>).

use crate::import_file::FirebaseConfig;
use crate::import_file::export::{Mapped, Members, User, time_of_millis};

/// The columns of a CSV export, which does not name them. Those of other providers have names of this program.
pub(in crate::import_file) const COLUMNS: [&str; 28] = [
    "localId",
    "email",
    "emailVerified",
    "passwordHash",
    "salt",
    "displayName",
    "photoUrl",
    "googleId",
    "googleEmail",
    "googleDisplayName",
    "googlePhotoUrl",
    "facebookId",
    "facebookEmail",
    "facebookDisplayName",
    "facebookPhotoUrl",
    "twitterId",
    "twitterEmail",
    "twitterDisplayName",
    "twitterPhotoUrl",
    "githubId",
    "githubEmail",
    "githubDisplayName",
    "githubPhotoUrl",
    "createdAt",
    "lastSignedInAt",
    "phoneNumber",
    "disabled",
    "customAttributes",
];

pub(in crate::import_file) fn map(
    mut members: Members,
    config: Option<&FirebaseConfig>,
) -> Result<Mapped, String> {
    let mut user = User::default();
    user.set("external_id", members.text("localId")?);
    user.set("email", members.text("email")?);
    user.set_verified(members.flag("emailVerified")?.unwrap_or(false));
    user.set("display_name", members.text("displayName")?);
    user.set("phone_number", members.text("phoneNumber")?);
    user.set_suspended(members.flag("disabled")?.unwrap_or(false));
    let created = members.text("createdAt")?;
    user.set("created_at", created.map(|millis| time_of_millis(&millis)).transpose()?);
    let (tag, salt) = (members.text("passwordHash")?, members.text("salt")?);
    if let Some(tag) = tag {
        let config =
            config.ok_or("passwordHash needs the hash parameters of the project: pass --hash-config")?;
        let salt = salt.ok_or("salt is required")?;
        user.set("password_hash", Some(config.hash(&salt, &tag)));
    }
    Ok(user.finish(members))
}
