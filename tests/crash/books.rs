//! What went into a ring and what came out of it, and whether the two agree.
//!
//! An item is *accepted* once a push of it returned, and *delivered* once somebody has seen it. Whatever was accepted is
//! delivered; whatever was not may be in the ring or not, but once and whole. Who sees an item that somebody saw before
//! is told so. Nobody sees what was released.

use std::collections::BTreeMap;

use crate::item::Number;
use crate::journal::Entry;

/// Who sees items in the laboratory's own process.
pub(crate) const SURVIVOR: u32 = 0;

/// What is known of one item.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    begun: bool,
    accepted: bool,
    /// Whoever took it may have been killed between the release and its record.
    in_doubt: bool,
    seen: u8,
    seen_again: u8,
    released: u8,
    /// How often the survivors saw it.
    survived: u8,
}

impl Account {
    /// Whether somebody still has to see the item.
    fn is_due(self) -> bool {
        self.accepted && !self.in_doubt && self.seen + self.seen_again == 0
    }
}

/// What a trial, or many, came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) stuck: u64,
    /// What else was wrong, and what is known of the above.
    pub(crate) complaints: Vec<String>,
}

impl Tally {
    pub(crate) fn is_clean(&self) -> bool {
        self.complaints.is_empty() && (self.lost, self.repeated, self.stuck) == (0, 0, 0)
    }

    /// Adds what a trial came to, of which `place` says where it was.
    pub(crate) fn add(&mut self, other: Self, place: impl FnOnce() -> String) {
        if other.is_clean() {
            return;
        }
        let place = place();
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.stuck += other.stuck;
        self.complaints.extend(other.complaints.into_iter().map(|it| format!("{place}: {it}")));
    }
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    accounts: BTreeMap<u32, Vec<Account>>,
    /// The last item of each source that each reader saw for the first time.
    order: BTreeMap<(u32, u32), u32>,
    due: u64,
    stuck: u64,
    complaints: Vec<String>,
}

impl Books {
    fn change(&mut self, number: Number, change: impl FnOnce(&mut Account)) {
        let accounts = self.accounts.entry(number.source).or_default();
        let index = number.sequence as usize;
        if accounts.len() <= index {
            accounts.resize(index + 1, Account::default());
        }
        let account = &mut accounts[index];
        let was_due = account.is_due();
        change(account);
        self.due = self.due + u64::from(account.is_due()) - u64::from(was_due);
    }

    fn account(&self, number: Number) -> Account {
        let accounts = self.accounts.get(&number.source);
        accounts.and_then(|it| it.get(number.sequence as usize)).copied().unwrap_or_default()
    }

    /// A number of `source` that was never used.
    pub(crate) fn next(&self, source: u32) -> Number {
        Number { source, sequence: self.accounts.get(&source).map_or(0, Vec::len) as u32 }
    }

    pub(crate) fn begun(&mut self, number: Number) {
        self.change(number, |it| it.begun = true);
    }

    pub(crate) fn accepted(&mut self, number: Number) {
        self.change(number, |it| (it.begun, it.accepted) = (true, true));
    }

    /// Somebody takes the item who says so only once it is done: until then nobody may see it any more.
    pub(crate) fn set_in_doubt(&mut self, number: Number, in_doubt: bool) {
        self.change(number, |it| it.in_doubt = in_doubt);
    }

    /// A `reader` was given an item.
    pub(crate) fn seen(&mut self, reader: u32, number: Option<Number>, redelivered: bool) {
        let Some(number) = number else {
            return self.complain("an item was not whole".to_owned());
        };
        self.change(number, |it| {
            it.seen += u8::from(!redelivered);
            it.seen_again += u8::from(redelivered);
            it.survived += u8::from(reader == SURVIVOR);
        });
        if !redelivered {
            let last = self.order.insert((reader, number.source), number.sequence);
            if last.is_some_and(|last| last >= number.sequence) {
                self.complain(format!("{number:?} came after item {last:?} of its source"));
            }
        }
    }

    pub(crate) fn released(&mut self, number: Number) {
        self.change(number, |it| it.released += 1);
    }

    /// Enters what a process noted, as that of `reader`.
    pub(crate) fn enter(&mut self, reader: u32, entry: Entry) {
        match entry {
            Entry::Begun(number) => self.begun(number),
            Entry::Accepted(number) => self.accepted(number),
            Entry::Seen(number) => self.seen(reader, Some(number), false),
            Entry::SeenAgain(number) => self.seen(reader, Some(number), true),
            Entry::Released(number) => self.released(number),
            Entry::Torn => self.seen(reader, None, false),
        }
    }

    /// Whether an item that was accepted was not delivered yet.
    pub(crate) fn is_anything_due(&self) -> bool {
        self.due > 0
    }

    /// How many of the first `count` items of `source`, from `first` on, the survivors saw.
    pub(crate) fn survived(&self, first: Number, count: u64) -> Vec<bool> {
        let number = |step: u64| Number { sequence: first.sequence + step as u32, ..first };
        (0..count).map(|step| self.account(number(step)).survived > 0).collect()
    }

    /// How many items there were.
    pub(crate) fn count(&self) -> usize {
        self.accounts.values().map(Vec::len).sum()
    }

    /// Somebody waited in vain, or a slot is of no use any more.
    pub(crate) fn stuck(&mut self, what: String) {
        self.stuck += 1;
        self.complain(what);
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck > 0
    }

    pub(crate) fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }

    pub(crate) fn balance(self) -> Tally {
        let mut tally = Tally { stuck: self.stuck, complaints: self.complaints, ..Tally::default() };
        for (source, accounts) in self.accounts {
            for (sequence, account) in accounts.into_iter().enumerate() {
                let number = Number { source, sequence: sequence as u32 };
                if account.seen + account.seen_again > 0 && !account.begun {
                    tally.complaints.push(format!("nobody pushed {number:?}, {account:?}"));
                }
                if account.is_due() {
                    tally.lost += 1;
                    tally.complaints.push(format!("lost: {number:?}, {account:?}"));
                }
                // Whoever sees an item unflagged is the first, and whoever releases it the last.
                let repeated = account.seen.saturating_sub(1) + account.released.saturating_sub(1);
                if repeated > 0 {
                    tally.repeated += u64::from(repeated);
                    tally.complaints.push(format!("repeated: {number:?}, {account:?}"));
                }
            }
        }
        tally
    }
}
