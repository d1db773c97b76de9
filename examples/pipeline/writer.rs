//! The side that pushes.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ringfence::{Attach, AttachError, PushError, spsc};
use xxhash_rust::xxh3::Xxh3;

use crate::records::{self, DATA, LONGEST, Trailer};
use crate::report::Report;
use crate::{Part, worker};

pub(crate) fn run(part: &Part, file: &Path) -> Result<()> {
    if part.supervised {
        worker::end_with_supervisor(&part.ring, None);
    }
    let ring = spsc::open_with::<[u8]>(&part.ring, Attach::new().label("pipeline writer"))?;
    let mut tx = match ring.producer() {
        Err(AttachError::RoleTaken { .. }) if part.standby => {
            Report::StandingBy.send();
            ring.producer_standby()?
        }
        result => result?,
    };

    if tx.wait(Duration::ZERO) == Err(PushError::Closed) {
        return Ok(()); // a predecessor has come to the end
    }

    // The ring knows how many records our predecessors pushed.
    let sent = records::before(tx.position())?;
    Report::Attached { record: sent }.send();

    let mut file = File::open(file).with_context(|| file.display().to_string())?;
    let size = file.metadata()?.len();
    let mut whole = Trailer { length: 0, checksum: 0 };
    let mut hash = Xxh3::new();
    let mut bytes = Vec::with_capacity(LONGEST);
    let mut number = 0;
    loop {
        bytes.clear();
        file.by_ref().take(records::length(number) as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        whole.length += bytes.len() as u64;
        hash.update(&bytes); // of what was sent before, too
        if number >= sent {
            let mut claim = tx.claim()?; // waits while the ring is full
            claim.append(&[DATA])?;
            claim.append(&bytes)?;
            thread::sleep(part.pause()); // killed here: the claim has never been
            claim.finish().commit()?;
        }
        number += 1;
    }

    ensure!(whole.length == size, "the file changed: it had {size} bytes, now {}", whole.length);
    ensure!(sent <= number + 1, "the file changed: it had {sent} records, now {number}");
    whole.checksum = hash.digest128();
    if sent <= number {
        tx.push(&whole.encode())?; // unless a predecessor died between this and the close
    }
    tx.close();
    Ok(())
}
