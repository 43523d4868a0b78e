"""Scheduling cases as data: nodes and pods in short form, and what must become of the pod.

A node is `n1 cpu=4 zone=a !dedicated=db:NoSchedule`: resources, labels, taints; `cordoned` stands for itself, and a
word with a colon is an image with its size in MiB (`web:1=900`). Without resources a node has 4 CPUs, 8Gi and room for
110 pods. A pod is a mapping: `labels`, `namespace`, `cpu`, `memory` and other resources, `port`, `image`, and the rest
of its spec under Kubernetes' names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import ScheduleResult, schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.cache.storage import Storage
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.config.profile import Profile
from podlab.api import codec
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod, PodSpec
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass

RESOURCES = ("cpu", "memory", "pods", "ephemeral-storage", "example.com/gpu", "hugepages-2Mi")
DEFAULTS = {"cpu": "4", "memory": "8Gi", "pods": "110"}


@dataclass(frozen=True)
class Case:
    """`fits` are the nodes that the pod fits on, `wins` the one it goes to if that matters; `told` is the message."""

    name: str
    nodes: Sequence[str]
    pod: Mapping[str, Any]
    fits: str = ""
    wins: str = ""
    told: str = ""
    standing: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    namespaces: Mapping[str, dict[str, str]] = field(default_factory=dict)


def node(text: str) -> Node:
    """From its short form."""
    name, *words = text.split()
    made = Node()
    made.metadata.name = name
    made.metadata.labels["kubernetes.io/hostname"] = name
    amounts = dict(DEFAULTS)
    for word in words:
        key, _, value = word.partition("=")
        if word == "cordoned":
            made.spec.unschedulable = True
        elif word.startswith("!"):
            taint, _, effect = word[1:].rpartition(":")
            key, _, value = taint.partition("=")
            made.spec.taints.add(key=key, value=value, effect=effect)
        elif ":" in key:
            made.status.images.add(names=[key], sizeBytes=int(value) << 20)
        elif key in RESOURCES:
            amounts[key] = value
        elif value == "-":
            del made.metadata.labels[key]
        else:
            made.metadata.labels[key] = value
    for key, value in amounts.items():
        made.status.allocatable[key].string = value
    return made


def pod(given: Mapping[str, Any], name: str = "new") -> Pod:
    """From its short form."""
    own = {key: value for key, value in given.items() if key not in (*RESOURCES, *_METADATA, "port", "image", "uid")}
    container: dict[str, Any] = {"name": "c", "image": given.get("image", "")}
    requests = {key: str(given[key]) for key in RESOURCES if key in given}
    container["resources"] = {"requests": requests}
    if "port" in given:
        address, _, port = str(given["port"]).rpartition("@")
        number, _, protocol = port.partition("/")
        container["ports"] = [{"hostPort": int(number), "hostIP": address, "protocol": protocol or "TCP"}]
    made = Pod(spec=codec.part_from_dict({"containers": [container], **own}, PodSpec))
    made.metadata.name, made.metadata.uid = name, str(given.get("uid", name))
    made.metadata.namespace = given.get("namespace", "default")
    made.metadata.labels.update(given.get("labels", {}))
    if given.get("deleted"):
        made.metadata.deletionTimestamp.seconds = 1
    return made


_METADATA = ("labels", "namespace", "deleted")


def cluster(case: Case) -> Snapshot:
    """The nodes with what stands on them."""
    nodes = Snapshot()
    for name, labels in {"default": {}, **case.namespaces}.items():
        nodes.set_namespace(name, labels)
    for text in case.nodes:
        nodes.set_node(node(text))
    for name, pods in case.standing.items():
        for number, each in enumerate(pods):
            nodes.add_pod(pod_info(pod(each, f"{name}-{number}")), name)
    return nodes


def check(case: Case, profile: Profile = DEFAULT_PROFILE) -> ScheduleResult:
    """Fails where the decision is another than the case says."""
    nodes = cluster(case)
    decision = schedule_pod(pod_info(pod(case.pod)), nodes, profile, FilterCache())
    assert {nodes.names[row] for row in decision.feasible} == set(case.fits.split())
    assert decision.message == case.told
    if case.wins:
        best = {nodes.names[row] for row in decision.best}
        assert best == {case.wins}, {name: int(total) for name, total in zip(nodes.names, decision.totals, strict=True)}
        assert decision.node_name == case.wins
    return decision


def store(storage: Storage, obj: PersistentVolumeClaim | PersistentVolume | StorageClass) -> None:
    """Takes the object in as the scheduler's informers do."""
    if isinstance(obj, PersistentVolumeClaim):
        storage.set_claim((obj.metadata.namespace, obj.metadata.name), obj)
    elif isinstance(obj, PersistentVolume):
        storage.set_volume(obj.metadata.name, obj)
    else:
        storage.set_class(obj.metadata.name, obj)
