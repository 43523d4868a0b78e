"""What must be true of churn's workloads: of pods at any moment, and of everything once it has come to rest."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.api.values import quantity
from podlab.meta.v1.meta_pb2 import Quantity
from podlab_testing.churn import NAMES, SCALED, Thing, Wanted, Workload
from podlab_testing.deployed import Cli, condition_of

OBSERVED_EVERY_S = 0.5
OWNERS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")


@dataclass
class Observer:
    """Looks at all pods again and again; `broken` is what may never be, at any moment. A context manager."""

    cli: Cli
    broken: set[str] = field(default_factory=set)
    looks: int = 0
    _homes: dict[str, str] = field(default_factory=dict)
    _room: dict[str, int] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Observer:
        self._room = {
            node["metadata"]["name"]: _millis(node["status"]["allocatable"]["cpu"]) for node in self.cli.items("nodes")
        }
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(90)

    def _run(self) -> None:
        while not self._stop.wait(OBSERVED_EVERY_S):
            try:
                self._look(self.cli.items("pods", "-A"))
            except AssertionError as error:
                self.broken.add(f"the pods could not be read: {error}")

    def _look(self, pods: list[Thing]) -> None:
        self.looks += 1
        used: defaultdict[str, int] = defaultdict(int)
        for pod in pods:
            node = pod["spec"].get("nodeName", "")
            uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
            if (before := self._homes.get(uid)) and before != node:
                self.broken.add(f"pod {name} was bound to {before}, and then to {node or 'no node'}")
            self._homes[uid] = node
            if node and pod["status"].get("phase") not in ("Succeeded", "Failed"):
                used[node] += _requested(pod)
        for node, millis in used.items():
            if millis > self._room.get(node, 0):
                self.broken.add(f"pods on {node} request {millis}m of {self._room.get(node, 0)}m")


def _requested(pod: Thing) -> int:
    requests = (box.get("resources", {}).get("requests", {}) for box in pod["spec"]["containers"])
    return sum(_millis(each.get("cpu", "0")) for each in requests)


def _millis(text: str) -> int:
    return quantity.millis(Quantity(string=text))


def differences(cli: Cli, namespace: str, wanted: dict[Workload, Wanted]) -> list[str]:
    """What is not as it was asked for: none, once everything has come to rest."""
    nodes = sorted(node["metadata"]["name"] for node in cli.items("nodes"))
    owners = [each for kind in OWNERS for each in cli.items(kind.lower(), "-n", namespace)]
    pods = cli.items("pods", "-n", namespace)
    found = {(each["kind"], each["metadata"]["name"]): each for each in owners if each["kind"] != "ReplicaSet"}
    told = [f"there is {' '.join(each)}" for each in found.keys() - wanted.keys()]
    told += [f"there is no {' '.join(each)}" for each in wanted.keys() - found.keys()]
    for (kind, name), each in wanted.items():
        own = [pod for pod in pods if pod["metadata"]["labels"]["app"] == name]
        if (kind, name) in found:
            told += [f"{kind} {name}: {why}" for why in _wrong(found[kind, name], each, own, nodes)]
    told += _orphans(owners, pods)
    told += [why for name in NAMES["Deployment"] for why in _wrong_endpoints(cli, namespace, name, pods)]
    return told


def _wrong(workload: Thing, wanted: Wanted, pods: list[Thing], nodes: list[str]) -> Iterator[str]:
    kind, name, status = workload["kind"], workload["metadata"]["name"], workload.get("status", {})
    if {_version(workload["spec"]["template"]), *map(_version, pods)} != {wanted.version}:
        yield f"not all is of {wanted.version}, acknowledged"
    if kind == "Job":
        complete = (condition_of(workload, "Complete"), status.get("succeeded"), workload["spec"]["completions"])
        if complete != ("True", wanted.replicas, wanted.replicas):
            yield f"not complete: {status}"
        if running := [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] in ("Pending", "Running")]:
            yield f"still has pods {running}"
        return
    if kind in SCALED and workload["spec"]["replicas"] != wanted.replicas:
        yield f"asks for {workload['spec']['replicas']} pods, not for the acknowledged {wanted.replicas}"
    if kind == "StatefulSet":
        expected, places = sorted(f"{name}-{n}" for n in range(wanted.replicas)), sorted(map(_name, pods))
    elif kind == "DaemonSet":
        expected, places = nodes, sorted(pod["spec"].get("nodeName", "") for pod in pods)
    else:
        expected, places = [name] * wanted.replicas, [name] * len(pods)
    if expected != places:
        yield f"pods {sorted(map(_name, pods))}, at {places}, not {expected}"
    if not all(condition_of(pod, "Ready") == "True" and "deletionTimestamp" not in pod["metadata"] for pod in pods):
        yield "not every pod is ready"
    counted = status.get("numberReady" if kind == "DaemonSet" else "readyReplicas", 0)
    if (counted, status.get("observedGeneration")) != (len(expected), workload["metadata"]["generation"]):
        yield f"its status is not of now: {status}"


def _orphans(owners: list[Thing], pods: list[Thing]) -> Iterator[str]:
    there = {each["metadata"]["uid"] for each in owners}
    for each in [*owners, *pods]:
        references = {reference["uid"] for reference in each["metadata"].get("ownerReferences", ())}
        if not references <= there or (each["kind"] in ("Pod", "ReplicaSet") and not references):
            yield f"{each['kind']} {_name(each)} has no owner any more"


def _wrong_endpoints(cli: Cli, namespace: str, name: str, pods: list[Thing]) -> Iterator[str]:
    serving = sorted(pod["status"].get("podIP", "") for pod in pods if pod["metadata"]["labels"]["app"] == name)
    chosen = ("-n", namespace, "-l", f"{SERVICE_NAME_LABEL}={name}")
    slices = [each for one in cli.items("endpointslices", *chosen) for each in one.get("endpoints") or ()]
    subsets = cli.get("endpoints", name, "-n", namespace).get("subsets") or ()
    for what, addresses in (
        ("EndpointSlices", [each["addresses"][0] for each in slices if each["conditions"]["ready"]]),
        ("Endpoints", [each["ip"] for subset in subsets for each in subset.get("addresses") or ()]),
    ):
        if sorted(addresses) != serving:
            yield f"{what} of Service {name} hold {sorted(addresses)}, not {serving}"


def _version(thing: Thing) -> str:
    return str(thing["spec"]["containers"][0]["env"][0]["value"])


def _name(thing: Thing) -> str:
    return str(thing["metadata"]["name"])
