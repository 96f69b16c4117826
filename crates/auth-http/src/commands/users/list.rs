//! Lists users.

use auth_domain::UseCases;
use auth_domain::model::{User, UserNumber};
use auth_domain::use_cases::MAX_PAGE;
use clap::Args;

use super::as_json;
use crate::commands::output::print_list;

#[derive(Args)]
pub(in crate::commands) struct List {
    /// Print at most this many users [default: all]
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Print only users with greater numbers, such as those after the last user of an earlier list
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// Print only users whose e-mail address contains this text, in any case
    #[arg(long, value_name = "TEXT")]
    email: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(in crate::commands) async fn run(self, auth: &UseCases) -> anyhow::Result<()> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let email = self.email.as_deref().map(str::to_lowercase);
        let mut users = Vec::new();
        let mut after = self.after.map(UserNumber);
        while users.len() < limit {
            let page = auth.list_users(after, MAX_PAGE).await?;
            let matching = page.users.iter().filter(|user| has_email(user, email.as_deref()));
            users.extend(matching.take(limit - users.len()).map(as_json));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let columns = [
            ("ID", "id"),
            ("NUMBER", "number"),
            ("STATUS", "status"),
            ("REGISTERED", "created_at"),
            ("USERNAME", "username"),
            ("E-MAIL", "email"),
            ("ROLES", "roles"),
        ];
        print_list(users, self.json, columns, "-")
    }
}

fn has_email(user: &User, part: Option<&str>) -> bool {
    part.is_none_or(|part| user.email().is_some_and(|email| email.to_lowercase().contains(part)))
}
