//! Looking at a ring without taking part in it: what its header says, who is attached, whether this program could open
//! it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::attachment::{Attach, Attachment, Expected};
use crate::element::{Fingerprint, Payload};
use crate::error::{Difference, OpenError};
use crate::layout::header::Identification;
use crate::participant::Participant;
use crate::position::Position;
use crate::region::{Access, Name, Region, identify};
use crate::vocabulary::Kind;

/// What can be known of the ring called `name` without knowing what it carries.
///
/// Needs read and write permission; for a broadcast ring, and for any with [`Attach::read_only`], read permission is
/// enough. Changes nothing. Makes system calls.
///
/// ```no_run
/// let ring = ringfence::inspect("md.ticks")?;
/// println!("{:?} of {:?}, capacity {:?}", ring.kind(), ring.element(), ring.capacity());
/// for difference in ring.check::<u64>() {
///     println!("this program could not open it: {difference}");
/// }
/// # Ok::<(), ringfence::OpenError>(())
/// ```
///
/// # Errors
///
/// As [`spsc::open`](crate::spsc::open), except that a ring of another major version is no error: what its preamble
/// says can be asked, and [`check`](Inspection::check) says why this build cannot open it.
pub fn inspect(name: &str) -> Result<Inspection, OpenError> {
    inspect_with(name, Attach::new())
}

/// As [`inspect`], with the options of `attach`.
///
/// # Errors
///
/// As [`inspect`].
pub fn inspect_with(name: &str, attach: Attach) -> Result<Inspection, OpenError> {
    let name = Name::new(attach.directory.as_deref(), name)?;
    let path = name.path().to_owned();
    let access = if attach.read_only { Access::Read } else { Access::Permitted };
    match Region::open(name.clone(), access) {
        Ok(region) => {
            let identification = region.header().identification.clone();
            Ok(Inspection { path, identification, ring: Ok(Attachment { region, attach }) })
        }
        Err(error @ (OpenError::UnsupportedVersion { .. } | OpenError::UnsupportedFeatures { .. })) => {
            Ok(Inspection { path, identification: identify(&name)?, ring: Err(error) })
        }
        Err(error) => Err(error),
    }
}

/// A ring, looked at from outside.
#[derive(Debug)]
pub struct Inspection {
    path: PathBuf,
    identification: Identification,
    ring: Result<Attachment, OpenError>,
}

impl Inspection {
    /// The ring's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Major and minor version of the layout.
    #[must_use]
    pub fn layout_version(&self) -> (u16, u16) {
        (self.identification.major, self.identification.minor)
    }

    /// Version of the crate that created the ring.
    #[must_use]
    pub fn creator_version(&self) -> [u16; 3] {
        self.identification.creator
    }

    /// 128 random bits that tell this ring from every other one of the same name.
    #[must_use]
    pub fn instance(&self) -> u128 {
        u128::from_le_bytes(self.identification.instance)
    }

    /// Bytes of memory that the ring takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.identification.total_size
    }

    /// The kind of ring; `None` for one that only a later version knows.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.identification.kind()
    }

    /// How many items fit; `None` where this build cannot read the header.
    #[must_use]
    pub fn capacity(&self) -> Option<u64> {
        self.region().map(|it| it.header().capacity)
    }

    /// How many items are in the ring; `None` where this build cannot read the header.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.ring.as_ref().ok().map(Attachment::len)
    }

    /// Whether no item is in the ring; `None` where this build cannot read the header.
    #[must_use]
    pub fn is_empty(&self) -> Option<bool> {
        self.len().map(|it| it == 0)
    }

    /// Whether the ring was closed; `None` where this build cannot read the header.
    #[must_use]
    pub fn is_closed(&self) -> Option<bool> {
        self.ring.as_ref().ok().map(Attachment::is_closed)
    }

    /// The positions of the oldest unreleased item and of the next one to be pushed; `None` where this build cannot read
    /// the header.
    #[must_use]
    pub fn positions(&self) -> Option<(Position, Position)> {
        self.ring.as_ref().ok().map(Attachment::positions)
    }

    /// Name and version of what the ring carries; `None` where this build cannot read the header.
    #[must_use]
    pub fn element(&self) -> Option<(&str, u32)> {
        self.region().map(|it| (it.header().schema.name.as_str(), it.header().schema.version))
    }

    /// Bytes of an element, or of the longest item; `None` where this build cannot read the header.
    #[must_use]
    pub fn element_size(&self) -> Option<u32> {
        self.region().map(|it| it.header().element_size)
    }

    /// Fingerprint of the element's schema; `None` where this build cannot read the header.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.region().map(|it| it.header().schema.fingerprint)
    }

    /// When the ring was created; `None` where this build cannot read the header.
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        self.region().and_then(|it| UNIX_EPOCH.checked_add(Duration::from_nanos(it.header().created_at)))
    }

    /// The ring's entries; empty where this build cannot read the header. Makes a few system calls for each.
    #[must_use]
    pub fn participants(&self) -> Vec<Participant> {
        self.ring.as_ref().map(Attachment::participants).unwrap_or_default()
    }

    /// In what the ring differs from one of the same kind that carries `P`: empty where a program that does could
    /// open it. Asked before an upgrade, while the old program still runs.
    #[must_use]
    pub fn check<P: Payload + ?Sized>(&self) -> Vec<Difference> {
        match &self.ring {
            Ok(ring) => {
                let header = ring.region.header();
                Expected::of::<P>(header.kind, None).differences(header, None)
            }
            Err(error) => vec![Difference {
                what: "layout".to_owned(),
                expected: "one that this build knows".to_owned(),
                found: error.to_string(),
            }],
        }
    }

    fn region(&self) -> Option<&Arc<Region>> {
        self.ring.as_ref().ok().map(|it| &it.region)
    }
}
