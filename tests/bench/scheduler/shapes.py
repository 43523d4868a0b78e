"""The nodes and pods of Kubernetes' own scheduler_perf, each shape in a namespace of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod

ZONES = 3
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
FULL = "example.com/full"
FULL_NODES = 500
FILLERS = 4  # on each of these
HIGH = "high"


def node(number: int) -> Node:
    """4 CPUs, 32 GiB, one of three zones, ready."""
    made = Node()
    made.metadata.name = f"n{number}"
    made.metadata.labels.update({HOSTNAME: f"n{number}", ZONE: f"zone{number % ZONES}"})
    for name, amount in (("cpu", "4"), ("memory", "32Gi"), ("pods", "110")):
        made.status.capacity[name].string = made.status.allocatable[name].string = amount
    made.status.conditions.add(type="Ready", status="True", reason="KubeletReady")
    return made


async def add(client: Client, made: Node) -> None:
    """As after the controllers have seen that it is ready."""
    created = await client.create(made)
    created.spec.ClearField("taints")
    await client.update(created)


def basic(name: str, namespace: str) -> Pod:
    """A container that asks for 100m and 500Mi."""
    made = Pod()
    made.metadata.name, made.metadata.namespace = name, namespace
    made.metadata.labels["shape"] = namespace
    container = made.spec.containers.add(name="pause", image="podlab.local/pause:1")
    container.resources.requests["cpu"].string = "100m"
    container.resources.requests["memory"].string = "500Mi"
    return made


def spread(name: str, namespace: str) -> Pod:
    """Spread over zones, with a skew of 5 at most."""
    made = basic(name, namespace)
    constraint = made.spec.topologySpreadConstraints.add(maxSkew=5, topologyKey=ZONE, whenUnsatisfiable="DoNotSchedule")
    constraint.labelSelector.matchLabels["shape"] = namespace
    return made


def apart(name: str, namespace: str) -> Pod:
    """One to a node."""
    made = basic(name, namespace)
    terms = made.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
    terms.add(topologyKey=HOSTNAME).labelSelector.matchLabels["shape"] = namespace
    return made


def drawn(name: str, namespace: str) -> Pod:
    """Prefers nodes that have pods like it."""
    made = basic(name, namespace)
    wish = made.spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution.add(weight=1)
    wish.podAffinityTerm.topologyKey = HOSTNAME
    wish.podAffinityTerm.labelSelector.matchLabels["shape"] = namespace
    return made


def filler(name: str, namespace: str, on: str) -> Pod:
    """A quarter of a node, bound, of no importance, gone at once when it is deleted."""
    made = basic(name, namespace)
    made.spec.containers[0].resources.requests["cpu"].string = "900m"
    made.spec.nodeName, made.spec.terminationGracePeriodSeconds = on, 0
    return made


def important(name: str, namespace: str) -> Pod:
    """Most of one of the full nodes, whose pods have to make room."""
    made = basic(name, namespace)
    made.spec.containers[0].resources.requests["cpu"].string = "3"
    made.spec.nodeSelector[FULL] = "yes"
    made.spec.priorityClassName = HIGH
    return made


@dataclass(frozen=True)
class Shape:
    """`before` and `meanwhile` are how many pods are created in the two ways of measuring; of those that keep apart, no
    more than nodes. `churns` makes nodes, Services and hopeless pods come and go meanwhile; `preempts` finds its nodes
    full."""

    name: str
    pod: Callable[[str, str], Pod]
    before: int = 2000
    meanwhile: int = 1000
    apart: bool = False
    churns: bool = False
    preempts: bool = False

    def pods(self, namespace: str, wanted: int, nodes: int) -> list[Pod]:
        """So many of them, or as many as have a place."""
        number = min(wanted, nodes * 4 // 5) if self.apart else wanted
        return [self.pod(f"p{each}", namespace) for each in range(number)]


BASIC = Shape("SchedulingBasic", basic, 5000, 2000)
SHAPES = (
    # The first: the nodes are empty then. Each pod takes one of those that are full, as in PreemptionBasic.
    Shape("Preemption", important, FULL_NODES // 2, FULL_NODES // 2, preempts=True),
    BASIC,
    Shape("TopologySpreading", spread),
    Shape("PodAntiAffinity", apart, apart=True),
    Shape("PreferredPodAffinity", drawn),
    Shape("MixedChurn", basic, churns=True),
)
