"""Scheduling cases about nodes: taints, affinity to nodes, ports, resources, images.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/scheduling-eviction/
"""

from typing import Any

import pytest
from podlab_testing.scheduling import Case, check

TAINT = "node(s) had untolerated taint"
SELECTOR = "node(s) didn't match Pod's node affinity/selector"
PORTS = "node(s) didn't have free ports for the requested pod ports"


def none(count: int, *reasons: str) -> str:
    return f"0/{count} nodes are available: {', '.join(sorted(reasons))}."


def tolerating(**fields: Any) -> dict[str, Any]:
    return {"tolerations": [fields]}


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    selector = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}}


def preferred(*terms: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    wishes = [{"weight": weight, "preference": term} for weight, term in terms]
    return {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": wishes}}}


def label(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


def named(operator: str, *values: str) -> dict[str, Any]:
    return {"matchFields": [{"key": "metadata.name", "operator": operator, "values": list(values)}]}


def container(cpu: str, **more: Any) -> dict[str, Any]:
    return {"name": f"c{cpu}", "resources": {"requests": {"cpu": cpu}}, **more}


CORDONED = [
    Case("a cordoned node takes none", ["a cordoned"], {}, told=none(1, "1 node(s) were unschedulable")),
    Case("the node that is not cordoned is taken", ["a cordoned", "b"], {}, "b", "b"),
    Case(
        "who tolerates the taint that stands for it may go there",
        ["a cordoned"],
        tolerating(key="node.kubernetes.io/unschedulable", operator="Exists"),
        "a",
    ),
    Case("who tolerates everything may too", ["a cordoned"], tolerating(operator="Exists"), "a"),
    Case("without nodes there is nothing to choose", [], {}, told="no nodes available to schedule pods"),
]
TAINTS = [
    Case("a taint keeps out", ["a !k=v:NoSchedule"], {}, told=none(1, f"1 {TAINT} {{k: v}}")),
    Case("so does one that evicts", ["a !k=v:NoExecute"], {}, told=none(1, f"1 {TAINT} {{k: v}}")),
    Case("a soft one does not", ["a !k=v:PreferNoSchedule"], {}, "a"),
    Case("a taint without a value", ["a !k:NoSchedule"], {}, told=none(1, f"1 {TAINT} {{k: }}")),
    Case("equal tolerated", ["a !k=v:NoSchedule"], tolerating(key="k", operator="Equal", value="v"), "a"),
    Case("the operator is Equal when absent", ["a !k=v:NoSchedule"], tolerating(key="k", value="v"), "a"),
    Case(
        "another value is not tolerated",
        ["a !k=v:NoSchedule"],
        tolerating(key="k", value="w"),
        told=none(1, f"1 {TAINT} {{k: v}}"),
    ),
    Case("exists tolerates any value", ["a !k=v:NoSchedule"], tolerating(key="k", operator="Exists"), "a"),
    Case(
        "exists of another key does not",
        ["a !k=v:NoSchedule"],
        tolerating(key="l", operator="Exists"),
        told=none(1, f"1 {TAINT} {{k: v}}"),
    ),
    Case(
        "a toleration of one effect is none of another",
        ["a !k=v:NoExecute"],
        tolerating(key="k", operator="Exists", effect="NoSchedule"),
        told=none(1, f"1 {TAINT} {{k: v}}"),
    ),
    Case(
        "a toleration for a while lets in",
        ["a !k:NoExecute"],
        tolerating(key="k", operator="Exists", effect="NoExecute", tolerationSeconds=1),
        "a",
    ),
    Case(
        "the first taint that is not tolerated is told",
        ["a !k:NoSchedule !l:NoSchedule"],
        tolerating(key="k", operator="Exists"),
        told=none(1, f"1 {TAINT} {{l: }}"),
    ),
    Case(
        "each taint is counted",
        ["a !k:NoSchedule", "b !k:NoSchedule", "c !l=v:NoSchedule"],
        {},
        told=none(3, f"2 {TAINT} {{k: }}", f"1 {TAINT} {{l: v}}"),
    ),
    Case("fewer soft taints are better", ["a !k:PreferNoSchedule !l:PreferNoSchedule", "b !k:PreferNoSchedule", "c"],
         {}, "a b c", "c"),
    Case(
        "a soft taint that is tolerated does not count",
        ["a !k:PreferNoSchedule cpu=8", "b"],
        {**tolerating(key="k", operator="Exists"), "cpu": "1"},
        "a b",
        "a",
    ),
    Case(
        "a toleration of hard taints does not help with soft ones",
        ["a !k:PreferNoSchedule cpu=8", "b"],
        {**tolerating(key="k", operator="Exists", effect="NoSchedule"), "cpu": "1"},
        "a b",
        "b",
    ),
]  # fmt: skip
DISKS = ["a disk=ssd", "b disk=hdd", "c"]
SELECTORS = [
    Case("a node selector", DISKS, {"nodeSelector": {"disk": "ssd"}}, "a", "a"),
    Case("that nobody matches", DISKS, {"nodeSelector": {"disk": "tape"}}, told=none(3, f"3 {SELECTOR}")),
    Case(
        "must match wholly",
        ["a disk=ssd", "b disk=ssd zone=z"],
        {"nodeSelector": {"disk": "ssd", "zone": "z"}},
        "b",
    ),
    Case("In", DISKS, required(label("disk", "In", "ssd", "nvme")), "a"),
    Case("NotIn takes nodes without the label", DISKS, required(label("disk", "NotIn", "ssd")), "b c"),
    Case("Exists", DISKS, required(label("disk", "Exists")), "a b"),
    Case("DoesNotExist", DISKS, required(label("disk", "DoesNotExist")), "c"),
    Case("Gt", ["a gen=3", "b gen=12", "c gen=x", "d"], required(label("gen", "Gt", "5")), "b"),
    Case("Lt", ["a gen=3", "b gen=12", "c gen=x", "d"], required(label("gen", "Lt", "5")), "a"),
    Case("Gt is not equal", ["a gen=5"], required(label("gen", "Gt", "5")), told=none(1, f"1 {SELECTOR}")),
    Case("terms are alternatives", DISKS, required(label("disk", "In", "ssd"), label("disk", "In", "hdd")), "a b"),
    Case(
        "requirements of a term all hold",
        ["a x=1", "b x=1 y=1"],
        required({"matchExpressions": [{"key": "x", "operator": "Exists"}, {"key": "y", "operator": "Exists"}]}),
        "b",
    ),
    Case("an empty term matches nothing", DISKS, required({}), told=none(3, f"3 {SELECTOR}")),
    Case("an empty term beside another", DISKS, required({}, label("disk", "In", "ssd")), "a"),
    Case(
        "selector and affinity both hold",
        ["a disk=ssd", "b disk=ssd zone=z"],
        {"nodeSelector": {"disk": "ssd"}, **required(label("zone", "Exists"))},
        "b",
    ),
    Case("a node by its name", DISKS, required(named("In", "b")), "b", "b"),
    Case("all but one by its name", DISKS, required(named("NotIn", "b")), "a c"),
    Case(
        "others than the one that is named are told apart",
        ["a cpu=1", "b", "c"],
        {**required(named("In", "a")), "cpu": "2"},
        told=none(3, "1 Insufficient cpu", "2 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ),
    Case(
        "a name that no node has",
        DISKS,
        required(named("In", "x")),
        told=none(3, "3 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ),
    Case(
        "a name and a label",
        DISKS,
        required({**named("In", "a"), **label("disk", "In", "hdd")}),
        told=none(3, f"1 {SELECTOR}", "2 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ),
    Case("a preference draws", DISKS, preferred((1, label("disk", "In", "hdd"))), "a b c", "b"),
    Case(
        "the heavier preference draws more",
        DISKS,
        preferred((10, label("disk", "In", "hdd")), (90, label("disk", "In", "ssd"))),
        "a b c",
        "a",
    ),
    Case(
        "preferences add up",
        ["a x=1", "b y=1 z=1", "c"],
        preferred((50, label("x", "Exists")), (30, label("y", "Exists")), (30, label("z", "Exists"))),
        "a b c",
        "b",
    ),
    Case("a preference that nobody meets", DISKS, preferred((1, label("disk", "In", "tape"))), "a b c"),
    Case("a node that the pod names itself", ["a", "b"], {"nodeName": "b"}, "b", "b"),
    Case(
        "a named node that is not there",
        ["a", "b"],
        {"nodeName": "x"},
        told=none(2, "2 node(s) didn't match the requested node name"),
    ),
]
PORT = {"a": [{"port": 80}]}
HOST_PORTS = [
    Case("a port that is taken", ["a"], {"port": 80}, told=none(1, f"1 {PORTS}"), standing=PORT),
    Case("another node has it free", ["a", "b"], {"port": 80}, "b", "b", standing=PORT),
    Case("another port", ["a"], {"port": 81}, "a", standing=PORT),
    Case("another protocol", ["a"], {"port": "80/UDP"}, "a", standing=PORT),
    Case(
        "any address takes each", ["a"], {"port": "10.0.0.1@80"}, told=none(1, f"1 {PORTS}"), standing=PORT
    ),
    Case(
        "each address takes any",
        ["a"],
        {"port": 80},
        told=none(1, f"1 {PORTS}"),
        standing={"a": [{"port": "10.0.0.1@80"}]},
    ),
    Case("another address", ["a"], {"port": "10.0.0.2@80"}, "a", standing={"a": [{"port": "10.0.0.1@80"}]}),
    Case(
        "the same address",
        ["a"],
        {"port": "10.0.0.1@80"},
        told=none(1, f"1 {PORTS}"),
        standing={"a": [{"port": "10.0.0.1@80"}]},
    ),
    Case("0.0.0.0 is any", ["a"], {"port": "0.0.0.0@80"}, told=none(1, f"1 {PORTS}"), standing=PORT),
    Case("a pod without ports does not care", ["a"], {}, "a", standing=PORT),
]  # fmt: skip
GPU = "example.com/gpu"
RESOURCES = [
    Case("room for all", ["a"], {"cpu": "4", "memory": "8Gi"}, "a"),
    Case("too little CPU", ["a"], {"cpu": "4001m"}, told=none(1, "1 Insufficient cpu")),
    Case("too little memory", ["a"], {"memory": "9Gi"}, told=none(1, "1 Insufficient memory")),
    Case(
        "all that lacks is told",
        ["a", "b cpu=8"],
        {"cpu": "5", "memory": "9Gi"},
        told=none(2, "1 Insufficient cpu", "2 Insufficient memory"),
    ),
    Case("what stands there counts", ["a"], {"cpu": "3"}, told=none(1, "1 Insufficient cpu"),
         standing={"a": [{"cpu": "1500m"}]}),
    Case("just enough is enough", ["a"], {"cpu": "2500m"}, "a", standing={"a": [{"cpu": "1500m"}]}),
    Case("too many pods", ["a pods=1"], {}, told=none(1, "1 Too many pods"), standing={"a": [{}]}),
    Case(
        "too many pods and too little CPU",
        ["a pods=1"],
        {"cpu": "9"},
        told=none(1, "1 Insufficient cpu", "1 Too many pods"),
        standing={"a": [{}]},
    ),
    Case(
        "who asks for nothing fits where there is too little",
        ["a cpu=1"],
        {"memory": "1Gi"},
        "a",
        standing={"a": [{"cpu": "2"}]},
    ),
    Case("ephemeral storage that the node does not have", ["a"], {"ephemeral-storage": "1Gi"},
         told=none(1, "1 Insufficient ephemeral-storage")),
    Case("ephemeral storage", ["a ephemeral-storage=2Gi", "b"], {"ephemeral-storage": "1Gi"}, "a"),
    Case(
        "ephemeral storage that is used",
        ["a ephemeral-storage=2Gi"],
        {"ephemeral-storage": "1Gi"},
        told=none(1, "1 Insufficient ephemeral-storage"),
        standing={"a": [{"ephemeral-storage": "1500Mi"}]},
    ),
    Case("an extended resource", ["a", f"b {GPU}=2"], {GPU: 2}, "b"),
    Case("an extended resource that nobody has", ["a", "b"], {GPU: 1}, told=none(2, f"2 Insufficient {GPU}")),
    Case("an extended resource that is used", [f"a {GPU}=2"], {GPU: 1}, told=none(1, f"1 Insufficient {GPU}"),
         standing={"a": [{GPU: 1}, {GPU: 1}]}),
    Case("huge pages", ["a", "b hugepages-2Mi=64Mi"], {"hugepages-2Mi": "32Mi"}, "b"),
    Case("too few huge pages", ["a hugepages-2Mi=64Mi"], {"hugepages-2Mi": "128Mi"},
         told=none(1, "1 Insufficient hugepages-2Mi")),
    Case("a request of nothing is none", ["a"], {GPU: 0}, "a"),
    Case("overhead counts", ["a"], {"cpu": "3900m", "overhead": {"cpu": "200m"}}, told=none(1, "1 Insufficient cpu")),
    Case("overhead that fits", ["a"], {"cpu": "3800m", "overhead": {"cpu": "200m"}}, "a"),
    Case(
        "overhead of a standing pod counts",
        ["a"],
        {"cpu": "2"},
        told=none(1, "1 Insufficient cpu"),
        standing={"a": [{"cpu": "2", "overhead": {"cpu": "1m"}}]},
    ),
    Case("containers add up", ["a"], {"containers": [container("2"), container("2001m")]},
         told=none(1, "1 Insufficient cpu")),
    Case("init containers do not", ["a"], {"cpu": "3", "initContainers": [container("3"), container("4")]}, "a"),
    Case("the largest init container counts", ["a"], {"cpu": "1", "initContainers": [container("5")]},
         told=none(1, "1 Insufficient cpu")),
    Case(
        "a sidecar runs beside the containers",
        ["a"],
        {"cpu": "3", "initContainers": [container("1001m", restartPolicy="Always")]},
        told=none(1, "1 Insufficient cpu"),
    ),
    Case(
        "a sidecar runs beside the init containers after it",
        ["a"],
        {"cpu": "1", "initContainers": [container("2", restartPolicy="Always"), container("2001m")]},
        told=none(1, "1 Insufficient cpu"),
    ),
    Case(
        "but not beside those before it",
        ["a"],
        {"cpu": "1", "initContainers": [container("4"), container("2", restartPolicy="Always")]},
        "a",
    ),
    Case("the emptier node is better", ["a", "b"], {"cpu": "1"}, "a b", "b", standing={"a": [{"cpu": "1"}]}),
    Case("the larger node is better", ["a", "b cpu=8"], {"cpu": "1", "memory": "1Gi"}, "a b", "b"),
    Case("pods without requests spread too", ["a", "b"], {}, "a b", "b", standing={"a": [{}]}),
    Case(
        "a node in balance is better",
        ["a cpu=8 memory=8Gi", "b cpu=8 memory=8Gi"],
        {"cpu": "1", "memory": "1Gi"},
        "a b",
        "a",
        standing={"a": [{"cpu": "2", "memory": "2Gi"}], "b": [{"cpu": "4", "memory": "1Mi"}]},
    ),
]  # fmt: skip
IMAGES = [
    Case("an image that is there", ["a", "b web:1=900"], {"image": "web:1"}, "a b", "b"),
    Case("another tag is another image", ["a", "b web:2=900"], {"image": "web:1"}, "a b"),
    Case("latest is meant without a tag", ["a", "b web:latest=900"], {"image": "web"}, "a b", "b"),
    Case("a small image draws nobody", ["a", "b web:1=20"], {"image": "web:1"}, "a b"),
    Case("the larger image draws more", ["a x:1=300", "b y:1=900"], {"containers": [
        {"name": "x", "image": "x:1"}, {"name": "y", "image": "y:1"}]}, "a b", "b"),
    Case("init containers' images count", ["a", "b init:1=900"], {"initContainers": [
        {"name": "i", "image": "init:1"}]}, "a b", "b"),
]  # fmt: skip
CASES = [*CORDONED, *TAINTS, *SELECTORS, *HOST_PORTS, *RESOURCES, *IMAGES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nodes(case: Case) -> None:
    check(case)
