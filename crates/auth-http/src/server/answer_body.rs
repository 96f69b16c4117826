//! The body of an answer while it is written to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;

use super::connections::ActiveRequest;

/// Bytes that a connection takes from a body at a time. actix copies all that it takes into the buffer of the connection.
const SLICE: usize = 16 * 1024;

pin_project! {
    /// Passes a body on in slices, so that a connection never buffers a large body as a whole. The request is active until
    /// the last slice is taken.
    pub struct AnswerBody<B> {
        #[pin]
        body: B,
        // The rest of the last chunk of `body`. A slice shares its memory.
        rest: Bytes,
        active: ActiveRequest,
    }
}

impl<B> AnswerBody<B> {
    pub(super) fn new(body: B, active: ActiveRequest) -> Self {
        Self { body, rest: Bytes::new(), active }
    }
}

impl<B: MessageBody> MessageBody for AnswerBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        if this.rest.is_empty() {
            match ready!(this.body.poll_next(context)) {
                Some(Ok(chunk)) => *this.rest = chunk,
                end => return Poll::Ready(end),
            }
        }
        let length = this.rest.len().min(SLICE);
        Poll::Ready(Some(Ok(this.rest.split_to(length))))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        if !self.rest.is_empty() {
            return Err(self);
        }
        let Self { body, rest, active } = self;
        body.try_into_bytes().map_err(|body| Self { body, rest, active })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use actix_web::test::TestRequest;

    use super::*;

    #[tokio::test]
    async fn large_body_is_passed_on_in_slices_without_a_copy() {
        static CONTENT: [u8; 2 * SLICE + 1] = [b'a'; 2 * SLICE + 1];
        let active = ActiveRequest::mark(&TestRequest::default().to_http_request());
        let mut body = pin!(AnswerBody::new(Bytes::from_static(&CONTENT), active));
        assert_eq!(body.size(), BodySize::Sized(2 * SLICE as u64 + 1));
        let mut offset = 0;
        for expected in [SLICE, SLICE, 1] {
            let slice = poll_fn(|context| body.as_mut().poll_next(context)).await;
            let slice = slice.expect("a slice").expect("no error");
            assert_eq!((slice.as_ptr(), slice.len()), (CONTENT[offset..].as_ptr(), expected));
            offset += expected;
        }
        assert!(poll_fn(|context| body.as_mut().poll_next(context)).await.is_none());
    }
}
