//! The side that reads: look, write, release.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ringfence::{Attach, AttachError, PopError, spsc};
use xxhash_rust::xxh3::Xxh3;

use crate::records::{self, Record, SLOT, Trailer};
use crate::report::Report;
use crate::{Part, worker};

pub(crate) fn run(part: &Part, output: &Path) -> Result<()> {
    if part.supervised {
        worker::end_with_supervisor(&part.ring, Some(output));
    }
    let ring = spsc::open_with::<[u8]>(&part.ring, Attach::new().label("pipeline reader"))?;
    let mut rx = match ring.consumer() {
        Err(AttachError::RoleTaken { .. }) if part.standby => {
            Report::StandingBy.send();
            ring.consumer_standby()?
        }
        result => result?,
    };

    if rx.wait(Duration::ZERO) == Err(PopError::Closed) {
        return Ok(()); // a predecessor has verified everything
    }

    let released = records::before(rx.position())?;
    Report::Attached { record: released }.send();
    let (mut output, mut written) = resume(output, released)?;

    let mut record = Vec::with_capacity(SLOT);
    loop {
        let item = match rx.read() {
            Ok(item) => item,
            Err(PopError::Closed) => return Ok(()), // behind the trailer
            Err(error) => return Err(error.into()),
        };
        let number = records::before(item.position())?;
        record.clear();
        item.append_to(&mut record);

        match Record::decode(&record)? {
            // A predecessor died after it had written the record, and before it released it.
            Record::Data(_) if number < written => {
                ensure!(item.redelivered(), "record {number} came twice, and nothing says so");
                Report::Dropped { record: number }.send();
            }
            Record::Data(bytes) => {
                ensure!(number == written, "records {written} to {number} are lost");
                output.write_all(bytes)?;
                written += 1;
            }
            Record::Trailer(sent) => {
                ensure!(number == written, "records {written} to {number} are lost");
                Report::Received { records: number }.send();
                let received = measure(&mut output)?;
                ensure!(sent == received, "the writer sent {sent}, the reader has {received}");
                Report::Verified { bytes: received.length, checksum: received.checksum }.send();
            }
        }
        thread::sleep(part.pause()); // killed here: the record is delivered again
        item.release();
    }
}

/// Opens the output behind its last whole record, and says how many it has.
///
/// Records are written before they are released, so the `released` ones are all there, and at most one more is: whole,
/// or in part if its writing was interrupted.
fn resume(path: &Path, released: u64) -> Result<(File, u64)> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = file.with_context(|| path.display().to_string())?;
    let (whole, end) = records::within(file.metadata()?.len());
    // Where not even the released ones seem to be there, the rest is the file's last record, which is shorter.
    if whole >= released {
        file.set_len(end)?;
    }
    file.seek(SeekFrom::End(0))?;
    Ok((file, whole.max(released)))
}

/// Length and checksum of the output, read back from its start.
fn measure(output: &mut File) -> Result<Trailer> {
    let mut hash = Xxh3::new();
    let mut length = 0;
    let mut buffer = vec![0; 256 << 10];
    output.seek(SeekFrom::Start(0))?;
    loop {
        match output.read(&mut buffer)? {
            0 => return Ok(Trailer { length, checksum: hash.digest128() }),
            count => {
                hash.update(&buffer[..count]);
                length += count as u64;
            }
        }
    }
}
