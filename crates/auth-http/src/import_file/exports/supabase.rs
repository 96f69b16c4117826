//! Supabase: the rows of `auth.users` as CSV or JSON (<https://supabase.com/docs/guides/auth/managing-user-data>).

use auth_domain::model::Timestamp;

use crate::import_file::account;
use crate::import_file::export::{Mapped, Members, User};

pub(in crate::import_file) fn map(mut members: Members, now: Timestamp) -> Result<Mapped, String> {
    let mut user = User::default();
    user.set("external_id", members.text("id")?);
    user.set("email", members.text("email")?);
    user.set("password_hash", members.text("encrypted_password")?);
    // Older projects have `confirmed_at` for the e-mail address.
    let (email, either) = (members.text("email_confirmed_at")?, members.text("confirmed_at")?);
    let has_phone = members.text("phone_confirmed_at")?.is_some();
    user.set_verified(email.is_some() || either.is_some() && !has_phone);
    // Supabase stores the digits only.
    user.set(
        "phone_number",
        members.text("phone")?.map(|digits| format!("+{}", digits.trim_start_matches('+'))),
    );
    if let Some(mut profile) = members.object("raw_user_meta_data")? {
        let mut name = None;
        for member in ["full_name", "name", "display_name"] {
            name = name.or(profile.text(member)?);
        }
        user.set("display_name", name);
    }
    let is_banned = match members.text("banned_until")? {
        Some(until) => account::timestamp(&until).is_none_or(|until| until > now),
        None => false,
    };
    user.set_suspended(is_banned || members.text("deleted_at")?.is_some());
    user.set("created_at", members.text("created_at")?);
    Ok(user.finish(members))
}
