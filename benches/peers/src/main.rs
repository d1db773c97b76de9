//! Paired rounds: ringfence beside its peers, in one run.
//!
//! Absolute times mean nothing on a shared machine. In every round all contestants of a case run one after the
//! other, in random order, on the same two cores; the ratio ours/theirs is taken within the round, and the
//! quantiles of these ratios are the result.
//!
//! ```text
//! command_line   what the user asked for
//! rounds         calibrate, shuffle, measure             statistics, report   quantiles, table, JSON
//! session        the near side: parent process, core A   far_side             the other process or thread, core B
//! shared_lines   the start barrier                       waiting              busy polling that notices a death
//! guard          notices it for one that cannot          sleep                does a thread sleep, how often has it
//! cleanup        no name outlives the run                cores                which two, and pinning to them
//! cases/*        one file per shape of traffic: the loops of both sides, written once for all contestants
//! contestants    the table; one file each: ours and shaq (each with its …_mpmc and …_broadcast, and ours_stream), raw,
//!                rtrb, crossbeam, ringfire, iceoryx2, memcpy, futex, eventfd, pipe, unix_stream, unix_seqpacket, posix_sem
//! descriptors    what the contestants that are channels of the kernel have in common; byte_channels: those of bytes
//! ```

mod byte_channels;
mod cases;
mod cleanup;
mod command_line;
mod contestants;
mod cores;
mod crossbeam;
mod descriptors;
mod eventfd;
mod far_side;
mod futex;
mod guard;
mod iceoryx2;
mod memcpy;
mod ours;
mod ours_broadcast;
mod ours_mpmc;
mod ours_stream;
mod pipe;
mod posix_sem;
mod raw;
mod report;
mod ringfire;
mod rounds;
mod rtrb;
mod session;
mod shaq;
mod shaq_broadcast;
mod shaq_mpmc;
mod shared_lines;
mod sleep;
mod statistics;
mod unix_seqpacket;
mod unix_stream;
mod waiting;

use std::process::ExitCode;

fn main() -> ExitCode {
    match command_line::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
