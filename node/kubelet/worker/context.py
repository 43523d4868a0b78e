"""What the workers of all pods of a node share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from node.kubelet.admission.pod_admission import Places
from node.kubelet.cri.runtime import Runtime
from node.kubelet.eviction.ephemeral_storage import Sizes
from node.kubelet.images.image_manager import Images
from node.kubelet.volume.claims import Claims
from node.kubelet.volume.config_objects import Sources
from node.kubelet.volume.token_manager import Tokens
from node.kubelet.volume.volume_manager import Volumes
from node.kubelet.worker.start_limiter import Turns
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import service_pb2
from podlab.meta.v1 import meta_pb2

# Sandboxes and containers being started at once. More make none of them ready sooner on a small machine.
STARTS = 4


@dataclass
class NodeContext:
    """`services` gives those known now; `allocatable` is what the node offers to pods."""

    node_name: str
    node_ip: str
    memory_bytes: int
    allocatable: Mapping[str, meta_pb2.Quantity]
    client: Client
    runtime: Runtime
    recorder: EventRecorder
    images: Images
    places: Places
    volumes: Volumes
    sizes: Sizes
    claims: Claims
    sources: Sources
    tokens: Tokens
    services: Callable[[], list[service_pb2.Service]]
    starts: Turns = field(default_factory=lambda: Turns(STARTS))
