//! Descriptors of every kind that can be sent to, and what comes out at their far ends.

use std::fs::File;
use std::io::{Read, pipe};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Kinds of descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pipe,
    Unix,
    Tcp,
    File,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Pipe, Self::Unix, Self::Tcp, Self::File];
    /// Those with a far end that reads.
    pub(crate) const LIVE: [Self; 3] = [Self::Pipe, Self::Unix, Self::Tcp];

    /// Both ends. What is written to a file is read by its far end once it is there.
    pub(crate) fn link(self) -> (OwnedFd, File) {
        match self {
            Self::Pipe => {
                let (far, near) = pipe().expect("a pipe");
                (near.into(), OwnedFd::from(far).into())
            }
            Self::Unix => {
                let (near, far) = UnixStream::pair().expect("sockets");
                (near.into(), OwnedFd::from(far).into())
            }
            Self::Tcp => {
                let (near, far) = tcp();
                (near.into(), OwnedFd::from(far).into())
            }
            Self::File => {
                let file = tempfile::NamedTempFile::new().expect("a file");
                (file.reopen().expect("the file").into(), file.into_file())
            }
        }
    }

    /// Both ends, with little room between them.
    pub(crate) fn narrow(self) -> (OwnedFd, File) {
        let (near, far) = self.link();
        match self {
            Self::Pipe => drop(fcntl(&near, FcntlArg::F_SETPIPE_SZ(4096)).expect("a page")),
            Self::Unix => set_buffer(&near, libc::SO_SNDBUF, 1),
            Self::Tcp => {
                set_buffer(&near, libc::SO_SNDBUF, 1);
                set_buffer(&far, libc::SO_RCVBUF, 1 << 16); // a smaller window is for timers to open
            }
            Self::File => {}
        }
        (near, far)
    }
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let near = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    (near, listener.accept().expect("a connection").0)
}

fn set_buffer(socket: &impl AsFd, which: libc::c_int, bytes: libc::c_int) {
    let length = size_of_val(&bytes) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the option takes an integer.
    #[allow(unsafe_code)]
    let result = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, which, (&raw const bytes).cast(), length) };
    assert_eq!(result, 0, "a buffer's size");
}

pub(crate) fn set_nonblocking(fd: &impl AsFd) {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL).expect("flags"));
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).expect("flags");
}

/// What a test is at: said where it fails.
#[derive(Debug)]
pub(crate) struct At(pub(crate) String);

impl Drop for At {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("failed with {}", self.0);
        }
    }
}

/// A thread that keeps what comes.
pub(crate) struct Receiver {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Receiver {
    /// Reads from `far`: to its end, or of a file as long as this lives.
    pub(crate) fn start(kind: Kind, mut far: File) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let thread = thread::spawn({
            let bytes = Arc::clone(&bytes);
            move || {
                let mut buffer = vec![0; 8192];
                loop {
                    let length = far.read(&mut buffer).expect("a far end that works");
                    bytes.lock().expect("no panic").extend_from_slice(&buffer[..length]);
                    // A file has no end: its receiver is left alone once nobody else has it.
                    if length == 0 && (kind != Kind::File || Arc::strong_count(&bytes) == 1) {
                        break;
                    }
                    if length == 0 {
                        thread::sleep(Duration::from_micros(100));
                    }
                }
            }
        });
        Self { bytes, thread }
    }

    /// Waits until `count` bytes have come in all.
    pub(crate) fn await_bytes(&self, count: usize) {
        let begun = Instant::now();
        while self.bytes.lock().expect("no panic").len() < count {
            assert!(begun.elapsed() < Duration::from_secs(60), "{count} bytes do not come");
            thread::sleep(Duration::from_micros(20));
        }
    }

    /// What came, `count` bytes or more, once the near end is closed.
    pub(crate) fn finish(self, kind: Kind, count: usize) -> Vec<u8> {
        self.await_bytes(count);
        if kind != Kind::File {
            self.thread.join().expect("no panic");
        }
        std::mem::take(&mut *self.bytes.lock().expect("no panic"))
    }
}

/// Everything up to the end.
pub(crate) fn rest(mut far: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    far.read_to_end(&mut bytes).expect("a far end that works");
    bytes
}

/// The next `count` bytes.
pub(crate) fn take(far: &mut File, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    far.read_exact(&mut bytes).expect("so many bytes");
    bytes
}
