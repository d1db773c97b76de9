//! How an unreleased item is looked at, whatever the kind of its ring.

/// The file has the guard's `position`, `slot` and fields `len` and `redelivered`.
macro_rules! common_guard {
    () => {
        impl<T: Element> ReadGuard<'_, T> {
            /// A copy of the item. Each call reads the slot anew: two copies can differ where a peer breaks the protocol.
            #[must_use]
            #[inline]
            pub fn get(&self) -> T {
                self.slot().read()
            }

            /// Borrows the item where it lies, without a copy.
            ///
            /// # Safety
            ///
            /// As long as the borrow lives, every process that can write the region must follow the protocol, forked children
            /// included: nobody writes the slot before it is released.
            #[must_use]
            #[inline]
            #[allow(unsafe_code)]
            pub unsafe fn trusted(&self) -> &T {
                // SAFETY: the slot holds an element (invariants of `slots`), and the caller answers for the writers.
                unsafe { self.slot().payload().as_ref() }
            }
        }

        $crate::surface::common_byte_guard!(ReadGuard<'_, [u8]>);

        impl<P: Payload + ?Sized> fmt::Debug for ReadGuard<'_, P> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("ReadGuard")
                    .field("position", &self.position())
                    .field("len", &self.len)
                    .field("redelivered", &self.redelivered)
                    .finish()
            }
        }
    };
}

/// How unreleased bytes are looked at. The file has the guard's `slot` and field `len`.
macro_rules! common_byte_guard {
    ($ReadGuard:ty) => {
        impl $ReadGuard {
            /// Length of the item, in bytes.
            #[must_use]
            #[inline]
            pub fn len(&self) -> usize {
                self.len
            }

            /// Whether the item has no bytes.
            #[must_use]
            #[inline]
            pub fn is_empty(&self) -> bool {
                self.len == 0
            }

            /// Copies the item into the start of `buffer`, as much of it as fits, and says how many bytes that were.
            #[inline]
            pub fn copy_to(&self, buffer: &mut [u8]) -> usize {
                let count = self.len.min(buffer.len());
                self.slot().read(&mut buffer[..count]);
                count
            }

            /// Appends the item to `buffer`.
            #[inline]
            pub fn append_to(&self, buffer: &mut Vec<u8>) {
                self.slot().append(self.len, buffer);
            }

            /// A copy of the item.
            #[must_use]
            pub fn to_vec(&self) -> Vec<u8> {
                let mut bytes = Vec::new();
                self.append_to(&mut bytes);
                bytes
            }

            /// Writes the item to `fd` straight from the ring, with one `write`, and says how many bytes it took.
            ///
            /// # Errors
            ///
            /// Whatever `write(2)` says; the item is not released.
            pub fn write_to(&self, fd: impl AsFd) -> io::Result<usize> {
                let from = self.slot().payload();
                // SAFETY: the slot holds at least `len` bytes (invariants of `slots`).
                #[allow(unsafe_code)]
                let result = unsafe { sys::file::write_raw(fd.as_fd().as_raw_fd(), from.as_ptr(), self.len) };
                result.map_err(|failure| io::Error::from_raw_os_error(failure.errno))
            }

            /// Borrows the bytes where they lie, without a copy.
            ///
            /// # Safety
            ///
            /// As long as the borrow lives, every process that can write the region must follow the protocol, forked children
            /// included: nobody writes the slot before it is released.
            #[must_use]
            #[inline]
            #[allow(unsafe_code)]
            pub unsafe fn trusted(&self) -> &[u8] {
                let from = self.slot().payload();
                // SAFETY: the slot holds at least `len` bytes, and the caller answers for the writers.
                unsafe { std::slice::from_raw_parts(from.as_ptr(), self.len) }
            }
        }
    };
}

/// The file has the slice's `position`, `read`, `release_first` and fields `len` and `redelivered`.
macro_rules! common_slice {
    () => {
        impl<T: Element> ReadSlice<'_, T> {
            /// Whether the items may have been looked at before: all of them, or none.
            #[must_use]
            #[inline]
            pub fn redelivered(&self) -> bool {
                self.redelivered
            }

            /// How many items there are; at least one.
            #[must_use]
            #[inline]
            #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
            pub fn len(&self) -> usize {
                self.len
            }

            /// A copy of item `index`, counted from the oldest.
            #[must_use]
            #[inline]
            pub fn get(&self, index: usize) -> Option<T> {
                (index < self.len).then(|| self.read(index))
            }

            /// Copies of the items, oldest first.
            #[inline]
            pub fn iter(
                &self,
            ) -> impl ExactSizeIterator<Item = T> + DoubleEndedIterator + FusedIterator + '_ {
                (0..self.len).map(|index| self.read(index))
            }

            /// Releases all the items: their slots may be written again. In a forked child it does nothing.
            #[inline]
            pub fn release(self) {
                let len = self.len;
                self.release_first(len);
            }
        }

        impl<T: Element> fmt::Debug for ReadSlice<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("ReadSlice")
                    .field("position", &self.position())
                    .field("len", &self.len)
                    .field("redelivered", &self.redelivered)
                    .finish()
            }
        }
    };
}

pub(crate) use {common_byte_guard, common_guard, common_slice};
