//! `iceoryx2`: publish-subscribe services between two processes. Samples stay in the publisher's memory, and what passes
//! to the subscriber and back are their offsets.
//!
//! Safe overflow is off, and the publisher discards a sample that finds no room: it says how many subscribers got it,
//! and with none the case tries again. So nothing is lost, and whoever waits polls as all others do; the publisher's
//! own retries would yield the core, and then sleep.
//!
//! All files, those of nodes and services too, are in `/dev/shm` under the names of this session.

use std::fmt::Debug;

use ::iceoryx2::config::Config;
use ::iceoryx2::port::publisher::Publisher;
use ::iceoryx2::port::subscriber::Subscriber;
use ::iceoryx2::prelude::{
    BackpressureStrategy, FileName, LogLevel, Node, NodeBuilder, Path, SemanticString, ServiceName,
    SignalHandlingMode, ZeroCopySend, ipc, set_log_level,
};
use ::iceoryx2::service::builder::publish_subscribe::Builder;
use ::iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::cases::{
    BROADCAST_1TO1_64B, BROADCAST_1TO1_U64, BROADCAST_RTT_U64, Case, Item, RoundTrip, Single, Throughput,
};
use crate::cleanup::{Cleanup, SHARED_MEMORY};
use crate::contestants::{AcrossProcesses, Bout, Contestant, HandOver};

pub(crate) static ICEORYX2: Contestant = Contestant {
    name: "iceoryx2",
    about: "iceoryx2's publish-subscribe without overflow, across processes; samples are copied in and out",
    ours: false,
    bouts: &[
        Bout::across_processes::<RoundTrip<u64>, End<u64>>(&BROADCAST_RTT_U64),
        Bout::across_processes::<Throughput<u64>, End<u64>>(&BROADCAST_1TO1_U64),
        Bout::across_processes::<Throughput<[u64; 8]>, End<[u64; 8]>>(&BROADCAST_1TO1_64B),
    ],
};

const TO_FAR: &str = "to-far";
const TO_NEAR: &str = "to-near";

/// What an item has to be to pass.
trait Payload: Item + ZeroCopySend + Debug + 'static {}

impl<T: Item + ZeroCopySend + Debug + 'static> Payload for T {}

struct End<T: Payload> {
    tx: Publisher<ipc::Service, T, ()>,
    rx: Subscriber<ipc::Service, T, ()>,
    _services: [PortFactory<ipc::Service, T, ()>; 2],
    _node: Node<ipc::Service>,
    /// The near side removes the files of both, after its handles are gone.
    _names: Option<Cleanup>,
}

impl<T: Payload> End<T> {
    fn between(
        case: &Case,
        node: Node<ipc::Service>,
        [outgoing, incoming]: [PortFactory<ipc::Service, T, ()>; 2],
        names: Option<Cleanup>,
    ) -> Result<Self> {
        let publisher = outgoing.publisher_builder().max_loaned_samples(1);
        let tx = publisher.backpressure_strategy(BackpressureStrategy::DiscardData).create()?;
        let rx = incoming.subscriber_builder().buffer_size(case.capacity).create()?;
        ensure!(rx.buffer_size() == case.capacity, "iceoryx2 made {} items of room", rx.buffer_size());
        Ok(Self { tx, rx, _services: [outgoing, incoming], _node: node, _names: names })
    }
}

impl<T: Payload> AcrossProcesses for End<T> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (beginning, names) = Cleanup::of_all_named("iceoryx2")?;
        let node = node(&beginning)?;
        let create = |name| {
            let room = service::<T>(&node, name)?.subscriber_max_buffer_size(case.capacity);
            let samples = room.subscriber_max_borrowed_samples(1).history_size(0);
            let service = samples.max_publishers(1).max_subscribers(1).max_nodes(2).create();
            service.with_context(|| format!("creating {beginning}{name}"))
        };
        let services = [create(TO_FAR)?, create(TO_NEAR)?];
        let end = Self::between(case, node, services, Some(names))?;
        Ok((end, vec![beginning].into()))
    }

    fn attach(case: &Case, handed_over: &[String]) -> Result<Self> {
        let [beginning] = handed_over else { bail!("the beginning of names expected") };
        let node = node(beginning)?;
        let open =
            |name| service::<T>(&node, name)?.open().with_context(|| format!("opening {beginning}{name}"));
        let services = [open(TO_NEAR)?, open(TO_FAR)?];
        Self::between(case, node, services, None)
    }
}

/// This process, in a world of which nobody else knows.
fn node(beginning: &str) -> Result<Node<ipc::Service>> {
    set_log_level(LogLevel::Error);
    let named = |error| anyhow!("iceoryx2 takes no name that begins with {beginning}: {error:?}");
    let mut config = Config::default();
    config.global.prefix = FileName::new(beginning.as_bytes()).map_err(named)?;
    let root = format!("{SHARED_MEMORY}/{beginning}root");
    config.global.set_root_path(&Path::new(root.as_bytes()).map_err(named)?);
    // Nobody is dead but after a crash, and then all names are removed.
    config.global.node.cleanup_dead_nodes_on_creation = false;
    config.global.node.cleanup_dead_nodes_on_destruction = false;
    config.global.service.cleanup_dead_nodes_on_open = false;
    let builder = NodeBuilder::new().config(&config).signal_handling_mode(SignalHandlingMode::Disabled);
    builder.create().context("creating a node")
}

/// Both sides ask for the same.
fn service<T: Payload>(node: &Node<ipc::Service>, name: &str) -> Result<Builder<T, (), ipc::Service>> {
    let name = ServiceName::new(name).map_err(|error| anyhow!("`{name}`: {error}"))?;
    Ok(node.service_builder(&name).publish_subscribe::<T>().enable_safe_overflow(false))
}

impl<T: Payload> Single<T> for End<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        match self.tx.send_copy(item) {
            Ok(subscribers) => subscribers != 0,
            Err(error) => cannot("send", &error),
        }
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        match self.rx.receive() {
            Ok(sample) => sample.map(|sample| *sample.payload()),
            Err(error) => cannot("receive", &error),
        }
    }
}

#[cold]
fn cannot(what: &str, error: &dyn std::error::Error) -> ! {
    panic!("iceoryx2 cannot {what}: {error}")
}
