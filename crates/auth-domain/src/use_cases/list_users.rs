//! List users, one page at a time.

use crate::UseCases;
use crate::model::{User, UserNumber};
use crate::ports::PortError;

/// The maximum number of items per page.
pub const MAX_PAGE: u32 = 1_000;

/// A page of users, in ascending order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserPage {
    /// The users.
    pub users: Vec<User>,
    /// The number after which the next page begins. `None` on the last page.
    pub next: Option<UserNumber>,
}

impl UseCases {
    /// Returns the page that begins after the user number `after`. `limit` is clamped to 1 to [`MAX_PAGE`].
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn list_users(&self, after: Option<UserNumber>, limit: u32) -> Result<UserPage, PortError> {
        let limit = limit.clamp(1, MAX_PAGE);
        // One extra user shows whether there is a next page.
        let mut users = self.core.ports.users.list(after, limit + 1).await?;
        let has_more = users.len() > limit as usize;
        users.truncate(limit as usize);
        let next = users.last().map(|user| user.number).filter(|_| has_more);
        Ok(UserPage { users, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::{Mocks, user};

    fn numbered(number: i64) -> User {
        User { number: UserNumber(number), ..user() }
    }

    async fn page(stored: i64, limit: u32) -> UserPage {
        let mut mocks = Mocks::new();
        mocks
            .users
            .expect_list()
            .once()
            .returning(move |_, limit| Ok((1..=stored).take(limit as usize).map(numbered).collect()));
        mocks.auth().list_users(None, limit).await.expect("listed")
    }

    #[tokio::test]
    async fn a_page_reports_where_the_next_begins() {
        let page = page(3, 2).await;
        assert_eq!(page.users, [numbered(1), numbered(2)]);
        assert_eq!(page.next, Some(UserNumber(2)));
    }

    #[tokio::test]
    async fn a_full_last_page_reports_no_next_page() {
        assert_eq!(page(2, 2).await.next, None);
        assert_eq!(page(0, 2).await, UserPage { users: Vec::new(), next: None });
    }

    #[tokio::test]
    async fn the_page_size_is_clamped() {
        assert_eq!(page(3, 0).await.users.len(), 1);
        assert_eq!(page(5_000, u32::MAX).await.users.len(), 1_000);
    }
}
