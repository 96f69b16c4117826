//! Django: `dumpdata` (<https://docs.djangoproject.com/en/stable/topics/serialization/#json-1>) and the table of users
//! (<https://docs.djangoproject.com/en/stable/ref/contrib/auth/#fields>).

use crate::import_file::export::{Mapped, Members, User};

pub(in crate::import_file) fn map(mut members: Members) -> Result<Mapped, String> {
    let mut user = User::default();
    if members.text("model")?.is_some() {
        user.set("external_id", members.text("pk")?);
        // A dump contains the rows of all tables. Only users have a password.
        match members.object("fields")? {
            Some(fields) if fields.0.contains_key("password") => members = fields,
            _ => return Ok(Mapped::Other),
        }
    } else {
        user.set("external_id", members.text("id")?);
    }
    user.set("username", members.text("username")?);
    user.set("email", members.text("email")?);
    // A password that begins with `!` is unusable: the user logs in by other means.
    user.set("password_hash", members.text("password")?.filter(|hash| !hash.starts_with('!')));
    let names = [members.text("first_name")?, members.text("last_name")?];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    user.set("display_name", Some(name).filter(|name| !name.is_empty()));
    user.set_suspended(members.flag("is_active")? == Some(false));
    user.set("created_at", members.text("date_joined")?);
    Ok(user.finish(members))
}
