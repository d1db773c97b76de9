//! Moving memory that other processes may change meanwhile into and out of descriptors, by the kernel: no reference is made,
//! and what the file behind the memory has lost is an error, not a signal.
//!
//! Invariant **I1**: every piece of a [`Pieces`] is mapped, and may be read and written, for as long as the `Pieces` lives.

#![allow(unsafe_code)]

use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::{fmt, mem};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::{Failure, check};

/// Pieces of memory, in the order in which they are to be moved.
pub(crate) struct Pieces<'a> {
    pieces: Vec<libc::iovec>,
    memory: PhantomData<&'a ()>,
}

/// Pieces that one call moves, at most (IOV_MAX).
pub(crate) const MOST_PIECES: usize = 1024;

impl Pieces<'_> {
    pub(crate) fn new() -> Self {
        Self { pieces: Vec::new(), memory: PhantomData }
    }

    /// Adds a piece; none of no bytes.
    ///
    /// # Safety
    ///
    /// I1.
    pub(crate) unsafe fn push(&mut self, start: NonNull<u8>, length: usize) {
        if length > 0 {
            self.pieces.push(libc::iovec { iov_base: start.as_ptr().cast(), iov_len: length });
        }
    }

    /// Leaves the first `count` bytes out.
    pub(crate) fn skip(&mut self, mut count: usize) {
        let whole = self.pieces.iter().take_while(|piece| {
            let fits = piece.iov_len <= count;
            count -= if fits { piece.iov_len } else { 0 };
            fits
        });
        let whole = whole.count();
        self.pieces.drain(..whole);
        if let Some(piece) = self.pieces.first_mut() {
            piece.iov_base = piece.iov_base.wrapping_byte_add(count);
            piece.iov_len -= count;
        }
    }

    /// Leaves out what lies beyond the first `count` bytes.
    pub(crate) fn limit(&mut self, mut count: usize) {
        self.pieces.retain_mut(|piece| {
            piece.iov_len = piece.iov_len.min(count);
            count -= piece.iov_len;
            piece.iov_len > 0
        });
    }

    /// The first piece: where it is, and its bytes.
    pub(crate) fn first(&self) -> Option<(*const u8, usize)> {
        self.pieces.first().map(|piece| (piece.iov_base.cast_const().cast(), piece.iov_len))
    }

    /// How many pieces there are.
    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Bytes of all pieces.
    pub(crate) fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.iov_len).sum()
    }

    fn count(&self) -> libc::c_int {
        self.pieces.len().min(MOST_PIECES) as libc::c_int
    }

    /// Writes the pieces: copied when this returns.
    pub(crate) fn write_to(&self, fd: BorrowedFd<'_>) -> Result<usize, Failure> {
        // SAFETY: I1; the kernel only reads.
        retry("writev", || unsafe { libc::writev(fd.as_raw_fd(), self.pieces.as_ptr(), self.count()) })
    }

    /// Reads into the pieces.
    pub(crate) fn read_from(&self, fd: BorrowedFd<'_>) -> Result<usize, Failure> {
        // SAFETY: I1.
        retry("readv", || unsafe { libc::readv(fd.as_raw_fd(), self.pieces.as_ptr(), self.count()) })
    }

    /// Sends the pieces over a socket, by reference ([`set_zero_copy`]): a completion says when they may change.
    pub(crate) fn send_zero_copy(&self, fd: BorrowedFd<'_>) -> Result<usize, Failure> {
        // SAFETY: all zeroes are a message header without a name, pieces and control data.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_iov = self.pieces.as_ptr().cast_mut();
        header.msg_iovlen = self.count() as _;
        let flags = libc::MSG_ZEROCOPY | libc::MSG_NOSIGNAL;
        // SAFETY: I1; the kernel only reads, whenever that is.
        retry("sendmsg", || unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const header, flags) })
    }

    /// Lends the pieces to a pipe, which refers to them until they were read from it.
    pub(crate) fn lend_to_pipe(&self, fd: BorrowedFd<'_>) -> Result<usize, Failure> {
        let count = self.count() as usize;
        // vmsplice(2) waits for room whatever the pipe says of itself.
        let flags = if is_nonblocking(fd)? { libc::SPLICE_F_NONBLOCK } else { 0 };
        // SAFETY: I1; the kernel only reads, whenever that is.
        retry("vmsplice", || unsafe { libc::vmsplice(fd.as_raw_fd(), self.pieces.as_ptr(), count, flags) })
    }
}

impl fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("count", &self.len()).field("bytes", &self.bytes()).finish()
    }
}

/// Sends `length` bytes of the file `from`, from `offset` on: what refers to its pages does so until it was consumed.
pub(crate) fn send_file(
    to: BorrowedFd<'_>,
    from: BorrowedFd<'_>,
    offset: u64,
    length: usize,
) -> Result<usize, Failure> {
    let mut offset = offset.cast_signed();
    retry("sendfile", || {
        // SAFETY: the offset is private.
        unsafe { libc::sendfile(to.as_raw_fd(), from.as_raw_fd(), &raw mut offset, length) }
    })
}

/// Repeats a call that a signal has interrupted.
fn retry(call: &'static str, mut attempt: impl FnMut() -> isize) -> Result<usize, Failure> {
    loop {
        match usize::try_from(attempt()).map_err(|_| Failure::last(call)) {
            Err(Failure { errno: libc::EINTR, .. }) => {}
            result => return result,
        }
    }
}

/// Whether `fd` is a pipe.
pub(crate) fn is_pipe(fd: BorrowedFd<'_>) -> Result<bool, Failure> {
    // SAFETY: all zeroes are a value.
    let mut status: libc::stat = unsafe { mem::zeroed() };
    // SAFETY: `status` is private, and large enough.
    check("fstat", unsafe { libc::fstat(fd.as_raw_fd(), &raw mut status) })?;
    Ok(status.st_mode & libc::S_IFMT == libc::S_IFIFO)
}

/// Whether calls on `fd` never wait.
fn is_nonblocking(fd: BorrowedFd<'_>) -> Result<bool, Failure> {
    // SAFETY: takes plain numbers.
    let flags = check("fcntl(F_GETFL)", unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    Ok(flags & libc::O_NONBLOCK != 0)
}

/// Allows sends by reference on a socket.
pub(crate) fn set_zero_copy(fd: BorrowedFd<'_>) -> Result<(), Failure> {
    let one: libc::c_int = 1;
    let length = size_of_val(&one) as libc::socklen_t;
    // SAFETY: the option takes an integer.
    let result = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ZEROCOPY, (&raw const one).cast(), length)
    };
    check("setsockopt(SO_ZEROCOPY)", result).map(|_| ())
}

/// Sends by reference that are finished with: the numbers of the first and the last one, counted from 0 on each socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) first: u32,
    pub(crate) last: u32,
    /// The kernel had to copy after all.
    pub(crate) copied: bool,
}

/// Room for one control message of an error queue.
#[repr(C, align(8))]
struct Control([u8; 128]);

/// The next completion from the error queue of `fd`; `None` where there is none, or what is there is something else.
pub(crate) fn next_completion(fd: BorrowedFd<'_>) -> Result<Option<Completion>, Failure> {
    const ORIGIN_ZERO_COPY: u8 = 5;
    const CODE_COPIED: u8 = 1;
    let mut control = Control([0; 128]);
    // SAFETY: all zeroes are a message header without a name, pieces and control data.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_control = (&raw mut control).cast();
    header.msg_controllen = size_of::<Control>() as _;
    let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
    // SAFETY: the control data is private, and as long as the header says.
    let received =
        retry("recvmsg(MSG_ERRQUEUE)", || unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, flags) });
    match received {
        Ok(_) => {}
        Err(Failure { errno: libc::EAGAIN, .. }) => return Ok(None),
        Err(failure) => return Err(failure),
    }
    // SAFETY: the kernel has filled the header in.
    let message = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    if message.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, so inside the control data, and aligned.
    let message_header = unsafe { &*message };
    let (level, kind) = (message_header.cmsg_level, message_header.cmsg_type);
    let is_error = (level, kind) == (libc::SOL_IP, libc::IP_RECVERR)
        || (level, kind) == (libc::SOL_IPV6, libc::IPV6_RECVERR);
    if !is_error {
        return Ok(None);
    }
    // SAFETY: such a message carries an extended error.
    let error = unsafe { libc::CMSG_DATA(message) }.cast::<libc::sock_extended_err>();
    // SAFETY: as above; it need not be aligned.
    let error = unsafe { ptr::read_unaligned(error) };
    let is_completion = error.ee_errno == 0 && error.ee_origin == ORIGIN_ZERO_COPY;
    Ok(is_completion.then_some(Completion {
        first: error.ee_info,
        last: error.ee_data,
        copied: error.ee_code == CODE_COPIED,
    }))
}

/// Waits until something is in the error queue of `fd`, until `deadline` at most; says whether there is.
pub(crate) fn await_completion(fd: BorrowedFd<'_>, deadline: Option<Instant>) -> Result<bool, Failure> {
    loop {
        let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: 0, revents: 0 };
        let left = deadline.map(|it| it.saturating_duration_since(Instant::now()));
        // Rounded up: a wait that ends early would be repeated at once.
        let milliseconds = left.map_or(-1, |it| {
            let rounded = it + Duration::from_nanos(999_999);
            libc::c_int::try_from(rounded.as_millis()).unwrap_or(libc::c_int::MAX)
        });
        // SAFETY: one entry, which is private.
        match check("poll", unsafe { libc::poll(&raw mut poll, 1, milliseconds) }) {
            Ok(0) if deadline.is_some_and(|it| Instant::now() >= it) => return Ok(false),
            Ok(0) | Err(Failure { errno: libc::EINTR, .. }) => {}
            Ok(_) => return Ok(true),
            Err(failure) => return Err(failure),
        }
    }
}
