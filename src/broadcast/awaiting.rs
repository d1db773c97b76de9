//! The awaiting forms of the handles' verbs.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{GatedSubscriber, Publisher, Subscriber};
use crate::asynchronous::{Async, Handle, sealed::Sealed};
use crate::element::{Element, Payload};
use crate::error::{PushError, RecvError};
use crate::position::Position;
use crate::source::Doorbell;
use crate::surface::{common_awaiting_consumer, common_awaiting_producer};

common_awaiting_producer! {
    handle: Publisher;
    item: try_publish publish;
    slice: try_publish_slice publish_slice;
    words: "Publishes";
    ready: "no gate holds the publisher up";
}

common_awaiting_consumer! {
    handle: Subscriber, RecvError;
    item: try_recv recv;
    slice: try_recv_slice recv_slice;
    bytes: try_recv_to recv_to;
    words: "Receives the next" "copies it out" "subscriber receives";
    ready: "an item";
    errors: "[`RecvError::Lagged`], [`RecvError::Closed`] or [`RecvError::Broken`]";
}

common_awaiting_consumer! {
    handle: GatedSubscriber, RecvError;
    item: try_recv recv;
    slice: try_recv_slice recv_slice;
    bytes: try_recv_to recv_to;
    words: "Receives the oldest unreleased" "copies it out and releases it" "subscriber receives";
    ready: "an item";
    errors: "[`RecvError::Lagged`], [`RecvError::Closed`] or [`RecvError::Broken`]";
}
