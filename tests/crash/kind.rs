//! What the laboratory needs of a kind of ring, and how those who are left go on in it.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use crate::books::{Books, SURVIVOR};
use crate::item::Number;

/// The longest that a call of a survivor may take whose time has come.
pub(crate) const BOUND: Duration = Duration::from_secs(1);

/// How long those who are left may take to find out that somebody died who is not in their way.
const FINDING_OUT: Duration = Duration::from_millis(20);

/// What became of a push.
#[derive(Debug)]
pub(crate) enum Pushed {
    Accepted,
    /// No slot was free before the limit passed.
    Full,
    Closed,
    Failed(String),
}

/// What came of looking for an item.
#[derive(Debug)]
pub(crate) enum Found {
    Item {
        number: Option<Number>,
        redelivered: bool,
    },
    /// No item came before the limit passed.
    Empty,
    Closed,
    Failed(String),
}

/// A handle that pushes.
pub(crate) trait Push {
    /// Pushes an item; waits up to `limit` while none is free. Of no length: does not wait.
    fn push(&mut self, number: Number, limit: Duration) -> Pushed;
}

/// A handle that takes items.
pub(crate) trait Take {
    /// Hands an item to `look`, and then releases it; waits up to `limit` while there is none. Of no length: does not
    /// wait.
    fn read(&mut self, limit: Duration, look: impl FnMut(Option<Number>, bool)) -> Found;

    /// The same in one call, in which copy and release are one.
    fn pop(&mut self, limit: Duration) -> Found;
}

/// A kind of ring, with what it carries.
pub(crate) trait Kind {
    type Ring;
    type Producer: Push;
    type Consumer: Take;
    type Error: Debug;
    const CAPACITY: u64;
    /// Whether there is one of each role.
    const IS_EXCLUSIVE: bool;

    fn create(name: &str) -> Self::Ring;
    fn open(name: &str) -> Self::Ring;
    fn producer(ring: &Self::Ring) -> Result<Self::Producer, Self::Error>;
    fn consumer(ring: &Self::Ring) -> Result<Self::Consumer, Self::Error>;
    /// Puts in order what the dead left, and says how many they were.
    fn repair(ring: &Self::Ring) -> Result<usize, Self::Error>;
}

/// Whoever is left in a ring.
pub(crate) struct Survivors<K: Kind> {
    pub(crate) producer: Option<K::Producer>,
    pub(crate) consumer: Option<K::Consumer>,
    /// How many items they looked for: they read and pop in turn.
    looks: u64,
}

impl<K: Kind> Survivors<K> {
    pub(crate) fn new() -> Self {
        Self { producer: None, consumer: None, looks: 0 }
    }

    /// Takes the roles that nobody has.
    pub(crate) fn attach(&mut self, ring: &K::Ring, books: &mut Books) {
        if self.producer.is_none() {
            self.producer = in_time(books, "producer", |_| K::producer(ring));
        }
        if self.consumer.is_none() {
            self.consumer = in_time(books, "consumer", |_| K::consumer(ring));
        }
    }

    /// Pushes an item of their own.
    pub(crate) fn push(&mut self, books: &mut Books, limit: Duration) -> Option<Pushed> {
        let producer = self.producer.as_mut()?;
        let number = books.next(SURVIVOR);
        let pushed = in_time(books, "push", |_| match producer.push(number, limit) {
            Pushed::Failed(error) => Err(error),
            pushed => Ok(pushed),
        })?;
        if matches!(pushed, Pushed::Accepted) {
            books.accepted(number);
        }
        Some(pushed)
    }

    /// Takes an item.
    pub(crate) fn take(&mut self, books: &mut Books, limit: Duration) -> Option<Found> {
        let consumer = self.consumer.as_mut()?;
        self.looks += 1;
        let reads = self.looks.is_multiple_of(2);
        let found = in_time(books, "take", |books| {
            let found = if reads {
                consumer.read(limit, |number, redelivered| books.seen(SURVIVOR, number, redelivered))
            } else {
                consumer.pop(limit)
            };
            if let Found::Failed(error) = found { Err(error) } else { Ok(found) }
        })?;
        if let Found::Item { number, redelivered } = found {
            if !reads {
                books.seen(SURVIVOR, number, redelivered);
            }
            if let Some(number) = number {
                books.released(number);
            }
        }
        Some(found)
    }

    /// Takes everything that there is, waiting for what was accepted, and for `a_while` where nothing was. What comes last
    /// is not `Item`, and `None` where somebody waited in vain.
    pub(crate) fn drain(&mut self, books: &mut Books, a_while: Duration) -> Option<Found> {
        loop {
            let is_due = books.is_anything_due();
            match self.take(books, if is_due { BOUND / 2 } else { a_while })? {
                Found::Item { .. } => {}
                Found::Empty if is_due => {
                    books.stuck("an item that was accepted did not come".to_owned());
                    return None;
                }
                end => return Some(end),
            }
        }
    }

    /// Goes on behind the dead: takes everything out, then uses every slot twice more, once beside empty ones and once
    /// beside full ones. Says whether the ring is closed. It may have been `repaired` before.
    pub(crate) fn settle(&mut self, ring: &K::Ring, books: &mut Books, repaired: bool) -> bool {
        self.attach(ring, books);
        // Of many, those who are left find out by themselves who died with an item.
        match self.drain(books, if K::IS_EXCLUSIVE || repaired { Duration::ZERO } else { FINDING_OUT }) {
            Some(Found::Closed) => return true,
            Some(_) => {}
            None => return false,
        }
        for _ in 0..K::CAPACITY {
            if let Some(Pushed::Closed) = self.push(books, Duration::ZERO) {
                self.await_end(books);
                return true;
            }
            self.drain(books, Duration::ZERO);
        }
        let mut pushed = 0;
        let end = loop {
            match self.push(books, Duration::ZERO) {
                Some(Pushed::Accepted) if pushed <= K::CAPACITY => pushed += 1,
                end => break end,
            }
        };
        if pushed != K::CAPACITY {
            let capacity = K::CAPACITY;
            books.stuck(format!("{pushed} items filled a ring of {capacity}, then it was {end:?}"));
        }
        self.drain(books, Duration::ZERO);
        false
    }

    /// The ring is closed: once nobody can push, whoever waits is told.
    fn await_end(&mut self, books: &mut Books) {
        self.producer = None;
        match self.take(books, BOUND / 2) {
            Some(Found::Closed) | None => {}
            found => books.stuck(format!("a closed ring, drained, is {found:?}")),
        }
    }
}

/// Runs a call of a survivor, which must return in time.
pub(crate) fn returns_in_time<R>(books: &mut Books, what: &str, call: impl FnOnce(&mut Books) -> R) -> R {
    let begun = Instant::now();
    let result = call(books);
    let took = begun.elapsed();
    if took > BOUND {
        books.stuck(format!("{what}: took {took:?}"));
    }
    result
}

/// Runs a call of a survivor, which must succeed, and in time.
pub(crate) fn in_time<R, E: Debug>(
    books: &mut Books,
    what: &str,
    call: impl FnOnce(&mut Books) -> Result<R, E>,
) -> Option<R> {
    match returns_in_time(books, what, call) {
        Ok(result) => Some(result),
        Err(error) => {
            books.stuck(format!("{what}: {error:?}"));
            None
        }
    }
}
