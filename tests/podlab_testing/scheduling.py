"""Scheduling cases as data: nodes and pods in short form, and what must become of the pod.

A node is `n1 cpu=4 zone=a !dedicated=db:NoSchedule`: resources, labels, taints; `cordoned` stands for itself, and a
word with a colon is an image with its size in MiB (`web:1=900`). Without resources a node has 4 CPUs, 8Gi and 110 pods.

A pod is made of `Fields`: `labels`, `namespace`, `cpu`, `memory` and other resources, `port`, `image`, and the rest of
its spec under Kubernetes' names. The builders below make such fields; `{**a, **b}` has those of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import ScheduleResult, schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.cache.storage import Storage
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.config.profile import Profile
from podlab.api.serializer import codec
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod, PodSpec
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass

Fields = dict[str, object]
RESOURCES = ("cpu", "memory", "pods", "ephemeral-storage", "example.com/gpu", "hugepages-2Mi")
DEFAULTS = {"cpu": "4", "memory": "8Gi", "pods": "110"}
HOST = "kubernetes.io/hostname"

# The reasons of filters, in Kubernetes' words.
SELECTOR = "node(s) didn't match Pod's node affinity/selector"
NAMED = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
ENFORCED = "node(s) didn't match scheduler-enforced node affinity"
TAINT = "node(s) had untolerated taint(s)"
PORTS = "node(s) didn't have free ports for the requested pod ports"
AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
SKEW = "node(s) didn't match pod topology spread constraints"
MISSING = f"{SKEW} (missing required label)"


def unavailable(count: int, *reasons: str) -> str:
    """The message of a pod that fits on none of so many nodes."""
    return f"0/{count} nodes are available: {', '.join(sorted(reasons))}."


@dataclass(frozen=True)
class Case:
    """`fits` are the nodes that the pod fits on, `wins` the one it goes to if that matters.

    `message` is why it fits on none, `existing` are pods that are assigned to nodes already.
    """

    name: str
    nodes: Sequence[str]
    pod: Mapping[str, object]
    fits: str = ""
    wins: str = ""
    message: str = ""
    existing: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)
    namespaces: Mapping[str, dict[str, str]] = field(default_factory=dict)


def match(key: str, operator: str, *values: str) -> Fields:
    """A requirement of a selector."""
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def node_term(*requirements: Fields, fields: Sequence[Fields] = ()) -> Fields:
    """A node selector term of requirements on labels and on fields."""
    expressions: Fields = {"matchExpressions": list(requirements)} if requirements else {}
    return {**expressions, "matchFields": list(fields)} if fields else expressions


def node_selector(*terms: Fields) -> Fields:
    """Required affinity to nodes that one of the terms selects."""
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}


def required_node_affinity(*terms: Fields) -> Fields:
    return {"affinity": {"nodeAffinity": node_selector(*terms)}}


def preferred_node_affinity(*terms: tuple[int, Fields]) -> Fields:
    """Terms with their weights."""
    preferred = [{"weight": weight, "preference": term} for weight, term in terms]
    return {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}}


def tolerations(*given: Fields) -> Fields:
    return {"tolerations": list(given)}


def toleration(**fields: str) -> Fields:
    """A pod's only toleration."""
    return tolerations(dict(fields))


def app(name: str = "web", **more: object) -> Fields:
    """A pod with the label app."""
    return {"labels": {"app": name}, **more}


def pod_term(
    of: str | None = "web", *, key: str = "zone", expressions: Sequence[Fields] = (), **more: object
) -> Fields:
    """An affinity term for pods of an app, or for those that the expressions select; of None without selector."""
    selector: Fields = {"matchExpressions": list(expressions)} if expressions else {"matchLabels": {"app": of}}
    labels: Fields = {"labelSelector": selector} if expressions or of is not None else {}
    return {**labels, "topologyKey": key, **more}


def pod_affinity(*terms: Fields) -> Fields:
    return _required("podAffinity", terms)


def pod_anti_affinity(*terms: Fields) -> Fields:
    return _required("podAntiAffinity", terms)


def preferred_pod_affinity(*terms: tuple[int, Fields]) -> Fields:
    """Terms with their weights."""
    return _preferred("podAffinity", terms)


def preferred_pod_anti_affinity(*terms: tuple[int, Fields]) -> Fields:
    """Terms with their weights."""
    return _preferred("podAntiAffinity", terms)


def spread_constraint(skew: int = 1, key: str = "zone", when: str = "DoNotSchedule", **more: object) -> Fields:
    """A constraint on pods of the app web."""
    selector = {"matchLabels": {"app": "web"}}
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector, **more}


def spread(*constraints: Fields, **more: object) -> Fields:
    """A pod of the app web with these constraints."""
    return {**app(), "topologySpreadConstraints": list(constraints), **more}


def container(cpu: str = "", **more: object) -> Fields:
    """A container that requests CPU and other resources; `restartPolicy`, `ports` and `image` are its fields."""
    fields = {name: value for name, value in more.items() if name in ("restartPolicy", "ports", "image")}
    others = {name: str(value) for name, value in more.items() if name not in fields}
    requests = {**({"cpu": cpu} if cpu else {}), **others}
    return {"name": f"c{cpu}".replace("m", ""), "resources": {"requests": requests}, **fields}


def sidecar(cpu: str = "", **more: object) -> Fields:
    """An init container that keeps running."""
    return container(cpu, restartPolicy="Always", **more)


def with_init_containers(*containers: Fields, **more: object) -> Fields:
    return {"initContainers": list(containers), **more}


def host_port(port: int, address: str = "", protocol: str = "TCP") -> Fields:
    """The ports of a container."""
    return {"ports": [{"hostPort": port, "hostIP": address, "protocol": protocol}]}


def node(text: str) -> Node:
    """From its short form."""
    name, *words = text.split()
    made = Node()
    made.metadata.name = name
    made.metadata.labels[HOST] = name
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


def pod(given: Mapping[str, object], name: str = "new") -> Pod:
    """From its fields."""
    own = {key: value for key, value in given.items() if key not in (*RESOURCES, *_METADATA, "port", "image", "uid")}
    only: Fields = {"name": "c", "image": given.get("image", "")}
    only["resources"] = {"requests": {key: str(given[key]) for key in RESOURCES if key in given}}
    if "port" in given:
        address, _, port = str(given["port"]).rpartition("@")
        number, _, protocol = port.partition("/")
        only |= host_port(int(number), address, protocol or "TCP")
    made = Pod(spec=codec.part_from_dict({"containers": [only], **own}, PodSpec))
    made.metadata.name, made.metadata.uid = name, str(given.get("uid", name))
    made.metadata.namespace = str(given.get("namespace", "default"))
    labels = given.get("labels", {})
    assert isinstance(labels, Mapping)
    made.metadata.labels.update(labels)
    if given.get("deleted"):
        made.metadata.deletionTimestamp.seconds = 1
    return made


_METADATA = ("labels", "namespace", "deleted")


def cluster(case: Case) -> Snapshot:
    """The nodes with the existing pods."""
    nodes = Snapshot()
    for name, labels in {"default": {}, **case.namespaces}.items():
        nodes.set_namespace(name, labels)
    for text in case.nodes:
        nodes.set_node(node(text))
    for name, pods in case.existing.items():
        for number, each in enumerate(pods):
            nodes.add_pod(pod_info(pod(each, f"{name}-{number}")), name)
    return nodes


def check(case: Case, profile: Profile = DEFAULT_PROFILE) -> ScheduleResult:
    """Fails where the result is another than the case says."""
    nodes = cluster(case)
    result = schedule_pod(pod_info(pod(case.pod)), nodes, profile, FilterCache())
    assert {nodes.names[row] for row in result.feasible} == set(case.fits.split())
    assert result.message == case.message
    if case.wins:
        best = {nodes.names[row] for row in result.best}
        assert best == {case.wins}, {name: int(total) for name, total in zip(nodes.names, result.totals, strict=True)}
        assert result.node_name == case.wins
    return result


def store(storage: Storage, obj: PersistentVolumeClaim | PersistentVolume | StorageClass) -> None:
    """Takes the object in as the scheduler's informers do."""
    if isinstance(obj, PersistentVolumeClaim):
        storage.set_claim((obj.metadata.namespace, obj.metadata.name), obj)
    elif isinstance(obj, PersistentVolume):
        storage.set_volume(obj.metadata.name, obj)
    else:
        storage.set_class(obj.metadata.name, obj)


def _required(side: str, terms: Sequence[Fields]) -> Fields:
    return {"affinity": {side: {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}}


def _preferred(side: str, terms: Sequence[tuple[int, Fields]]) -> Fields:
    preferred = [{"weight": weight, "podAffinityTerm": term} for weight, term in terms]
    return {"affinity": {side: {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}}
