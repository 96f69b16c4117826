//! All that is served: the dialects in their places, and what lies beside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::failure::Failure;
use crate::problem;

use super::Mount;
use super::place::Place;

/// All the dialects that are served.
pub struct Site {
    mounts: Vec<Arc<Mount>>,
}

impl Site {
    /// A site of these dialects, in the order of [`ALL`](super::ALL).
    #[must_use]
    pub fn new(mounts: Vec<Mount>) -> Self {
        Self { mounts: mounts.into_iter().map(Arc::new).collect() }
    }

    /// The dialects that are served.
    pub fn mounts(&self) -> impl Iterator<Item = &Mount> {
        self.mounts.iter().map(AsRef::as_ref)
    }

    /// Puts every route of every dialect in its place, and an answer everywhere else.
    pub fn configure(self: &Arc<Self>, app: &mut ServiceConfig) {
        for (path, place) in self.places() {
            let place = Arc::new(place);
            let answer = move |head: HttpRequest, payload: Payload| {
                let place = Arc::clone(&place);
                async move { place.answer(head, payload).await }
            };
            app.service(web::resource(path).to(answer));
        }
        let site = Arc::clone(self);
        let elsewhere = move |head: HttpRequest| {
            let response = site.refuse(head.path(), &Failure::UnknownPath);
            async move { response }
        };
        app.default_service(web::to(elsewhere));
    }

    fn places(&self) -> BTreeMap<String, Place> {
        let mut places = BTreeMap::<_, Place>::new();
        for mount in &self.mounts {
            for route in mount.dialect.routes() {
                let path = format!("{}{}", mount.context.prefix, route.path);
                places.entry(path).or_default().add(Arc::clone(mount), route);
            }
        }
        places
    }

    /// Says that a request for `path` failed: in the words of the dialect whose path it is, if it is one's.
    #[must_use]
    pub fn refuse(&self, path: &str, failure: &Failure) -> HttpResponse {
        let covering = self.mounts.iter().filter(|mount| mount.covers(path));
        match covering.max_by_key(|mount| mount.context.prefix.len()) {
            Some(mount) => mount.refuse(failure, None),
            None => problem::refuse(failure),
        }
    }
}
