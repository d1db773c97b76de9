//! Rings of any kind, as the laboratory needs them: the kinds have the same verbs, so they are written once.

use ringfence::{Attach, Strategy};

/// Who sleeps at once does not ask how many processors there are: ten thousand instructions that touch no ring.
pub(crate) fn attach() -> Attach {
    Attach::new().strategy(Strategy::Sleep)
}

/// The kind of ring of the module `$module`, whose options are completed by `$few`.
macro_rules! rings {
    ($Kind:ident, $module:ident, is_exclusive: $is_exclusive:literal, options: { $($few:tt)* }) => {
        use std::marker::PhantomData;
        use std::time::Duration;

        use ringfence::$module::{Consumer, Options, Producer, ReadGuard, Ring, open_with};
        use ringfence::{AttachError, Payload, PopError, Position, PushError};

        use crate::item::{MAX_LENGTH, Number, Numbered, bytes_of, number_of};
        use crate::kind::{BOUND, Found, Kind, Push, Pushed, Take};
        use crate::rings::attach;

        /// What a ring carries.
        pub(crate) trait Load: Payload {
            fn options(capacity: usize) -> Options<Self>;
            fn push(tx: &mut Producer<Self>, number: Number, limit: Duration) -> Result<Position, PushError>;
            fn pop(rx: &mut Consumer<Self>, limit: Duration) -> Result<Option<Number>, PopError>;
            fn look(item: &ReadGuard<'_, Self>) -> Option<Number>;
        }

        impl Load for Numbered {
            fn options(capacity: usize) -> Options<Self> {
                Options::<Self>::new(capacity)$($few)*
            }

            fn push(tx: &mut Producer<Self>, number: Number, limit: Duration) -> Result<Position, PushError> {
                let item = Self::of(number);
                if limit.is_zero() { tx.try_push(item) } else { tx.push_timeout(item, limit) }
            }

            fn pop(rx: &mut Consumer<Self>, limit: Duration) -> Result<Option<Number>, PopError> {
                let item = if limit.is_zero() { rx.try_pop() } else { rx.pop_timeout(limit) };
                item.map(Self::number)
            }

            fn look(item: &ReadGuard<'_, Self>) -> Option<Number> {
                item.get().number()
            }
        }

        impl Load for [u8] {
            fn options(capacity: usize) -> Options<Self> {
                Options::<Self>::new(capacity, MAX_LENGTH)$($few)*
            }

            fn push(tx: &mut Producer<Self>, number: Number, limit: Duration) -> Result<Position, PushError> {
                let item = bytes_of(number);
                if limit.is_zero() { tx.try_push(&item) } else { tx.push_timeout(&item, limit) }
            }

            fn pop(rx: &mut Consumer<Self>, limit: Duration) -> Result<Option<Number>, PopError> {
                let mut item = Vec::new();
                if limit.is_zero() { rx.try_pop_to(&mut item) } else { rx.pop_to_timeout(&mut item, limit) }?;
                Ok(number_of(&item))
            }

            fn look(item: &ReadGuard<'_, Self>) -> Option<Number> {
                number_of(&item.to_vec())
            }
        }

        impl<P: Load + ?Sized> Push for Producer<P> {
            fn push(&mut self, number: Number, limit: Duration) -> Pushed {
                match P::push(self, number, limit) {
                    Ok(_) => Pushed::Accepted,
                    // What somebody holds who has died is free after a while.
                    Err(PushError::Held { .. }) if limit.is_zero() => Push::push(self, number, BOUND / 2),
                    Err(PushError::Full | PushError::Held { .. } | PushError::Timeout) => Pushed::Full,
                    Err(PushError::Closed) => Pushed::Closed,
                    Err(error) => Pushed::Failed(error.to_string()),
                }
            }
        }

        impl<P: Load + ?Sized> Take for Consumer<P> {
            fn read(&mut self, limit: Duration, mut look: impl FnMut(Option<Number>, bool)) -> Found {
                // What somebody holds who has died is free after a while.
                let is_held = limit.is_zero() && matches!(self.wait(limit), Err(PopError::Held { .. }));
                let limit = if is_held { BOUND / 2 } else { limit };
                let item = if limit.is_zero() { self.try_read() } else { self.read_timeout(limit) };
                match item {
                    Ok(item) => {
                        let (number, redelivered) = (P::look(&item), item.redelivered());
                        look(number, redelivered);
                        item.release();
                        Found::Item { number, redelivered }
                    }
                    Err(error) => nothing(error),
                }
            }

            fn pop(&mut self, limit: Duration) -> Found {
                match P::pop(self, limit) {
                    Ok(number) => {
                        let redelivered = self.last().expect("a delivery").redelivered;
                        Found::Item { number, redelivered }
                    }
                    Err(PopError::Held { .. }) if limit.is_zero() => Take::pop(self, BOUND / 2),
                    Err(error) => nothing(error),
                }
            }
        }

        fn nothing(error: PopError) -> Found {
            match error {
                PopError::Empty | PopError::Held { .. } | PopError::Timeout => Found::Empty,
                PopError::Closed => Found::Closed,
                error => Found::Failed(error.to_string()),
            }
        }

        /// A ring that carries `P`.
        pub(crate) struct $Kind<P: Load + ?Sized>(PhantomData<P>);

        impl<P: Load + ?Sized> Kind for $Kind<P> {
            type Ring = Ring<P>;
            type Producer = Producer<P>;
            type Consumer = Consumer<P>;
            type Error = AttachError;
            const CAPACITY: u64 = 8;
            const IS_EXCLUSIVE: bool = $is_exclusive;

            fn create(name: &str) -> Ring<P> {
                P::options(Self::CAPACITY as usize).attach(attach()).create(name).expect("a ring")
            }

            fn open(name: &str) -> Ring<P> {
                open_with(name, attach()).expect("the laboratory's ring")
            }

            fn producer(ring: &Ring<P>) -> Result<Producer<P>, AttachError> {
                ring.producer()
            }

            fn consumer(ring: &Ring<P>) -> Result<Consumer<P>, AttachError> {
                ring.consumer()
            }

            fn repair(ring: &Ring<P>) -> Result<usize, AttachError> {
                ring.repair().map(|report| report.repaired.len())
            }
        }

        /// What victims do, between [`Stage::begin`](crate::victim::Stage::begin) and its end.
        #[cfg(target_arch = "x86_64")]
        pub(crate) mod acts {
            use ringfence::$module::Ring;

            crate::rings::acts! {
                producer: Ring::producer, push push_slice;
                consumer: Ring::consumer, pop pop_slice;
            }

            crate::rings::slot_acts! {
                producer: Ring::producer, push;
                consumer: Ring::consumer, pop_to;
            }

            pub(crate) fn batch_read_and_release(ring: &Elements, stage: &Stage, _source: u32) {
                let mut rx = ring.consumer().expect("a handle");
                stage.begin();
                let items = rx.read_slice(3).expect("items");
                let redelivered = items.redelivered();
                items.iter().for_each(|item| stage.note(Entry::sight(item.number(), redelivered)));
                let numbers = [0, 1, 2].map(|index| items.get(index).and_then(Numbered::number));
                items.release();
                stage.end();
                numbers.into_iter().flatten().for_each(|number| stage.note(Entry::Released(number)));
                stage.rest();
            }
        }
    };
}

/// What victims do in rings of any kind, whose module has its `Ring` in scope: how the handles are had, and what their
/// verbs are called.
#[cfg(target_arch = "x86_64")]
macro_rules! acts {
    (
        producer: $producer:path, $push:ident $push_slice:ident;
        consumer: $consumer:path, $pop:ident $pop_slice:ident;
    ) => {
        use crate::item::{Number, Numbered};
        use crate::journal::Entry;
        use crate::victim::Stage;

        type Elements = Ring<Numbered>;

        pub(crate) fn read_ahead_and_release_through(ring: &Elements, stage: &Stage, _source: u32) {
            let mut rx = $consumer(ring).expect("a handle");
            stage.begin();
            let items = [(); 3].map(|()| {
                let item = rx.read_ahead().expect("an item");
                stage.note(Entry::sight(item.value.number(), item.redelivered));
                item
            });
            let released = rx.release_through(items[2].position);
            stage.end();
            assert_eq!(released, Ok(3));
            items.iter().filter_map(|it| it.value.number()).for_each(|it| stage.note(Entry::Released(it)));
            stage.rest();
        }

        pub(crate) fn push(ring: &Elements, stage: &Stage, source: u32) {
            let mut tx = $producer(ring).expect("a handle");
            let item = Numbered::of(Number { source, sequence: 0 });
            stage.begin();
            let pushed = tx.$push(item);
            stage.end();
            pushed.expect("room");
            note_accepted(stage, source, 1);
            stage.rest();
        }

        pub(crate) fn batch_push(ring: &Elements, stage: &Stage, source: u32) {
            let mut tx = $producer(ring).expect("a handle");
            let items = [0, 1, 2].map(|sequence| Numbered::of(Number { source, sequence }));
            stage.begin();
            let count = tx.$push_slice(&items);
            stage.end();
            assert_eq!(count, Ok(3));
            note_accepted(stage, source, 3);
            stage.rest();
        }

        pub(crate) fn pop(ring: &Elements, stage: &Stage, _source: u32) {
            let mut rx = $consumer(ring).expect("a handle");
            stage.begin();
            let item = rx.$pop();
            stage.end();
            note_taken(stage, item.expect("an item").number(), rx.last().expect("a delivery").redelivered);
            stage.rest();
        }

        pub(crate) fn batch_pop(ring: &Elements, stage: &Stage, _source: u32) {
            let mut rx = $consumer(ring).expect("a handle");
            let mut items = [Numbered::of(Number { source: 0, sequence: 0 }); 4];
            stage.begin();
            let count = rx.$pop_slice(&mut items);
            stage.end();
            assert_eq!(count, Ok(4));
            for item in items {
                note_taken(stage, item.number(), rx.last().expect("a delivery").redelivered);
            }
            stage.rest();
        }

        pub(crate) fn attach_producer(ring: &Elements, stage: &Stage, _source: u32) {
            stage.begin();
            let tx = $producer(ring);
            stage.end();
            let _tx = tx.expect("a handle");
            stage.rest();
        }

        pub(crate) fn attach_consumer(ring: &Elements, stage: &Stage, _source: u32) {
            stage.begin();
            let rx = $consumer(ring);
            stage.end();
            let _rx = rx.expect("a handle");
            stage.rest();
        }

        pub(crate) fn repair(ring: &Elements, stage: &Stage, _source: u32) {
            stage.begin();
            let report = ring.repair();
            stage.end();
            report.expect("a sound ring");
            stage.rest();
        }

        pub(crate) fn note_accepted(stage: &Stage, source: u32, count: u32) {
            (0..count).for_each(|sequence| stage.note(Entry::Accepted(Number { source, sequence })));
        }

        /// Notes what a pop returned.
        pub(crate) fn note_taken(stage: &Stage, number: Option<Number>, redelivered: bool) {
            stage.note(Entry::sight(number, redelivered));
            number.into_iter().for_each(|number| stage.note(Entry::Released(number)));
        }
    };
}

/// What victims do beside that in rings of slots, which hold byte strings as well, and lend one item at a time; in the scope
/// of [`acts`].
#[cfg(target_arch = "x86_64")]
macro_rules! slot_acts {
    (
        producer: $producer:path, $push:ident;
        consumer: $consumer:path, $pop_to:ident;
    ) => {
        use crate::item::{MAX_LENGTH, bytes_of, number_of};

        type Bytes = Ring<[u8]>;

        pub(crate) fn push_bytes(ring: &Bytes, stage: &Stage, source: u32) {
            let mut tx = $producer(ring).expect("a handle");
            let item = bytes_of(Number { source, sequence: 0 });
            stage.begin();
            let pushed = tx.$push(&item);
            stage.end();
            pushed.expect("room");
            note_accepted(stage, source, 1);
            stage.rest();
        }

        pub(crate) fn pop_to_buffer(ring: &Bytes, stage: &Stage, _source: u32) {
            let mut rx = $consumer(ring).expect("a handle");
            let mut item = Vec::with_capacity(MAX_LENGTH);
            stage.begin();
            let popped = rx.$pop_to(&mut item);
            stage.end();
            popped.expect("an item");
            note_taken(stage, number_of(&item), rx.last().expect("a delivery").redelivered);
            stage.rest();
        }

        pub(crate) fn read_and_release(ring: &Elements, stage: &Stage, _source: u32) {
            let mut rx = $consumer(ring).expect("a handle");
            stage.begin();
            let item = rx.read().expect("an item");
            let number = item.get().number();
            stage.note(Entry::sight(number, item.redelivered()));
            item.release();
            stage.end();
            number.into_iter().for_each(|number| stage.note(Entry::Released(number)));
            stage.rest();
        }
    };
}

pub(crate) use rings;
#[cfg(target_arch = "x86_64")]
pub(crate) use {acts, slot_acts};
