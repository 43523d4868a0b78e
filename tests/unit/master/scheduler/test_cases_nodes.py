"""Scheduling cases about nodes: taints, affinity to nodes, ports, resources, images.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/scheduling-eviction/
"""

import pytest
from podlab_testing.scheduling import (
    PORTS,
    SELECTOR,
    TAINT,
    Case,
    check,
    container,
    match,
    node_term,
    preferred_node_affinity,
    required_node_affinity,
    toleration,
    unavailable,
)

CORDONED = [
    Case("a cordoned node takes none", ["a cordoned"], {}, message=unavailable(1, "1 node(s) were unschedulable")),
    Case("the node that is not cordoned is taken", ["a cordoned", "b"], {}, "b", "b"),
    Case(
        "who tolerates the taint that stands for it may go there",
        ["a cordoned"],
        toleration(key="node.kubernetes.io/unschedulable", operator="Exists"),
        "a",
    ),
    Case("who tolerates everything may too", ["a cordoned"], toleration(operator="Exists"), "a"),
    Case("without nodes there is nothing to choose", [], {}, message="no nodes available to schedule pods"),
]
TAINTS = [
    Case("a taint keeps out", ["a !k=v:NoSchedule"], {}, message=unavailable(1, f"1 {TAINT}")),
    Case("so does one that evicts", ["a !k=v:NoExecute"], {}, message=unavailable(1, f"1 {TAINT}")),
    Case("a soft one does not", ["a !k=v:PreferNoSchedule"], {}, "a"),
    Case("a taint without a value", ["a !k:NoSchedule"], {}, message=unavailable(1, f"1 {TAINT}")),
    Case("equal tolerated", ["a !k=v:NoSchedule"], toleration(key="k", operator="Equal", value="v"), "a"),
    Case("the operator is Equal when absent", ["a !k=v:NoSchedule"], toleration(key="k", value="v"), "a"),
    Case(
        "another value is not tolerated",
        ["a !k=v:NoSchedule"],
        toleration(key="k", value="w"),
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case("exists tolerates any value", ["a !k=v:NoSchedule"], toleration(key="k", operator="Exists"), "a"),
    Case(
        "exists of another key does not",
        ["a !k=v:NoSchedule"],
        toleration(key="l", operator="Exists"),
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case(
        "a toleration of one effect is none of another",
        ["a !k=v:NoExecute"],
        toleration(key="k", operator="Exists", effect="NoSchedule"),
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case(
        "a toleration for a while lets in",
        ["a !k:NoExecute"],
        toleration(key="k", operator="Exists", effect="NoExecute", tolerationSeconds=1),
        "a",
    ),
    Case(
        "the first taint that is not tolerated is told",
        ["a !k:NoSchedule !l:NoSchedule"],
        toleration(key="k", operator="Exists"),
        message=unavailable(1, f"1 {TAINT}"),
    ),
    Case(
        "each taint is counted",
        ["a !k:NoSchedule", "b !k:NoSchedule", "c !l=v:NoSchedule"],
        {},
        message=unavailable(3, f"3 {TAINT}"),
    ),
    Case(
        "fewer soft taints are better",
        ["a !k:PreferNoSchedule !l:PreferNoSchedule", "b !k:PreferNoSchedule", "c"],
        {},
        "a b c",
        "c",
    ),
    Case(
        "a soft taint that is tolerated does not count",
        ["a !k:PreferNoSchedule cpu=8", "b"],
        {**toleration(key="k", operator="Exists"), "cpu": "1"},
        "a b",
        "a",
    ),
    Case(
        "a toleration of hard taints does not help with soft ones",
        ["a !k:PreferNoSchedule cpu=8", "b"],
        {**toleration(key="k", operator="Exists", effect="NoSchedule"), "cpu": "1"},
        "a b",
        "b",
    ),
]
DISKS = ["a disk=ssd", "b disk=hdd", "c"]
SELECTORS = [
    Case("a node selector", DISKS, {"nodeSelector": {"disk": "ssd"}}, "a", "a"),
    Case("that nobody matches", DISKS, {"nodeSelector": {"disk": "tape"}}, message=unavailable(3, f"3 {SELECTOR}")),
    Case(
        "must match wholly",
        ["a disk=ssd", "b disk=ssd zone=z"],
        {"nodeSelector": {"disk": "ssd", "zone": "z"}},
        "b",
    ),
    Case("In", DISKS, required_node_affinity(node_term(match("disk", "In", "ssd", "nvme"))), "a"),
    Case(
        "NotIn takes nodes without the label",
        DISKS,
        required_node_affinity(node_term(match("disk", "NotIn", "ssd"))),
        "b c",
    ),
    Case("Exists", DISKS, required_node_affinity(node_term(match("disk", "Exists"))), "a b"),
    Case("DoesNotExist", DISKS, required_node_affinity(node_term(match("disk", "DoesNotExist"))), "c"),
    Case(
        "Gt", ["a gen=3", "b gen=12", "c gen=x", "d"], required_node_affinity(node_term(match("gen", "Gt", "5"))), "b"
    ),
    Case(
        "Lt", ["a gen=3", "b gen=12", "c gen=x", "d"], required_node_affinity(node_term(match("gen", "Lt", "5"))), "a"
    ),
    Case(
        "Gt is not equal",
        ["a gen=5"],
        required_node_affinity(node_term(match("gen", "Gt", "5"))),
        message=unavailable(1, f"1 {SELECTOR}"),
    ),
    Case(
        "terms are alternatives",
        DISKS,
        required_node_affinity(node_term(match("disk", "In", "ssd")), node_term(match("disk", "In", "hdd"))),
        "a b",
    ),
    Case(
        "requirements of a term all hold",
        ["a x=1", "b x=1 y=1"],
        required_node_affinity(
            {"matchExpressions": [{"key": "x", "operator": "Exists"}, {"key": "y", "operator": "Exists"}]}
        ),
        "b",
    ),
    Case("an empty term matches nothing", DISKS, required_node_affinity({}), message=unavailable(3, f"3 {SELECTOR}")),
    Case("an empty term beside another", DISKS, required_node_affinity({}, node_term(match("disk", "In", "ssd"))), "a"),
    Case(
        "selector and affinity both hold",
        ["a disk=ssd", "b disk=ssd zone=z"],
        {"nodeSelector": {"disk": "ssd"}, **required_node_affinity(node_term(match("zone", "Exists")))},
        "b",
    ),
    Case(
        "a node by its name",
        DISKS,
        required_node_affinity(node_term(fields=[match("metadata.name", "In", "b")])),
        "b",
        "b",
    ),
    Case(
        "all but one by its name",
        DISKS,
        required_node_affinity(node_term(fields=[match("metadata.name", "NotIn", "b")])),
        "a c",
    ),
    Case(
        "others than the one that is named are told apart",
        ["a cpu=1", "b", "c"],
        {**required_node_affinity(node_term(fields=[match("metadata.name", "In", "a")])), "cpu": "2"},
        message=unavailable(3, "1 Insufficient cpu", "2 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ),
    Case(
        "a name that no node has",
        DISKS,
        required_node_affinity(node_term(fields=[match("metadata.name", "In", "x")])),
        message=unavailable(3, "3 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ),
    Case(
        "a name and a label",
        DISKS,
        required_node_affinity(
            {**node_term(fields=[match("metadata.name", "In", "a")]), **node_term(match("disk", "In", "hdd"))}
        ),
        message=unavailable(3, f"1 {SELECTOR}", "2 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ),
    Case(
        "a preference draws", DISKS, preferred_node_affinity((1, node_term(match("disk", "In", "hdd")))), "a b c", "b"
    ),
    Case(
        "the heavier preference draws more",
        DISKS,
        preferred_node_affinity(
            (10, node_term(match("disk", "In", "hdd"))), (90, node_term(match("disk", "In", "ssd")))
        ),
        "a b c",
        "a",
    ),
    Case(
        "preferences add up",
        ["a x=1", "b y=1 z=1", "c"],
        preferred_node_affinity(
            (50, node_term(match("x", "Exists"))),
            (30, node_term(match("y", "Exists"))),
            (30, node_term(match("z", "Exists"))),
        ),
        "a b c",
        "b",
    ),
    Case(
        "a preference that nobody meets",
        DISKS,
        preferred_node_affinity((1, node_term(match("disk", "In", "tape")))),
        "a b c",
    ),
    Case("a node that the pod names itself", ["a", "b"], {"nodeName": "b"}, "b", "b"),
    Case(
        "a named node that is not there",
        ["a", "b"],
        {"nodeName": "x"},
        message=unavailable(2, "2 node(s) didn't match the requested node name"),
    ),
]
PORT = {"a": [{"port": 80}]}
HOST_PORTS = [
    Case("a port that is taken", ["a"], {"port": 80}, message=unavailable(1, f"1 {PORTS}"), existing=PORT),
    Case("another node has it free", ["a", "b"], {"port": 80}, "b", "b", existing=PORT),
    Case("another port", ["a"], {"port": 81}, "a", existing=PORT),
    Case("another protocol", ["a"], {"port": "80/UDP"}, "a", existing=PORT),
    Case("any address takes each", ["a"], {"port": "10.0.0.1@80"}, message=unavailable(1, f"1 {PORTS}"), existing=PORT),
    Case(
        "each address takes any",
        ["a"],
        {"port": 80},
        message=unavailable(1, f"1 {PORTS}"),
        existing={"a": [{"port": "10.0.0.1@80"}]},
    ),
    Case("another address", ["a"], {"port": "10.0.0.2@80"}, "a", existing={"a": [{"port": "10.0.0.1@80"}]}),
    Case(
        "the same address",
        ["a"],
        {"port": "10.0.0.1@80"},
        message=unavailable(1, f"1 {PORTS}"),
        existing={"a": [{"port": "10.0.0.1@80"}]},
    ),
    Case("0.0.0.0 is any", ["a"], {"port": "0.0.0.0@80"}, message=unavailable(1, f"1 {PORTS}"), existing=PORT),
    Case("a pod without ports does not care", ["a"], {}, "a", existing=PORT),
]
GPU = "example.com/gpu"
RESOURCES = [
    Case("room for all", ["a"], {"cpu": "4", "memory": "8Gi"}, "a"),
    Case("too little CPU", ["a"], {"cpu": "4001m"}, message=unavailable(1, "1 Insufficient cpu")),
    Case("too little memory", ["a"], {"memory": "9Gi"}, message=unavailable(1, "1 Insufficient memory")),
    Case(
        "all that lacks is told",
        ["a", "b cpu=8"],
        {"cpu": "5", "memory": "9Gi"},
        message=unavailable(2, "1 Insufficient cpu", "2 Insufficient memory"),
    ),
    Case(
        "what stands there counts",
        ["a"],
        {"cpu": "3"},
        message=unavailable(1, "1 Insufficient cpu"),
        existing={"a": [{"cpu": "1500m"}]},
    ),
    Case("just enough is enough", ["a"], {"cpu": "2500m"}, "a", existing={"a": [{"cpu": "1500m"}]}),
    Case("too many pods", ["a pods=1"], {}, message=unavailable(1, "1 Too many pods"), existing={"a": [{}]}),
    Case(
        "too many pods and too little CPU",
        ["a pods=1"],
        {"cpu": "9"},
        message=unavailable(1, "1 Insufficient cpu", "1 Too many pods"),
        existing={"a": [{}]},
    ),
    Case(
        "who asks for nothing fits where there is too little",
        ["a cpu=1"],
        {"memory": "1Gi"},
        "a",
        existing={"a": [{"cpu": "2"}]},
    ),
    Case(
        "ephemeral storage that the node does not have",
        ["a"],
        {"ephemeral-storage": "1Gi"},
        message=unavailable(1, "1 Insufficient ephemeral-storage"),
    ),
    Case("ephemeral storage", ["a ephemeral-storage=2Gi", "b"], {"ephemeral-storage": "1Gi"}, "a"),
    Case(
        "ephemeral storage that is used",
        ["a ephemeral-storage=2Gi"],
        {"ephemeral-storage": "1Gi"},
        message=unavailable(1, "1 Insufficient ephemeral-storage"),
        existing={"a": [{"ephemeral-storage": "1500Mi"}]},
    ),
    Case("an extended resource", ["a", f"b {GPU}=2"], {GPU: 2}, "b"),
    Case("an extended resource that nobody has", ["a", "b"], {GPU: 1}, message=unavailable(2, f"2 Insufficient {GPU}")),
    Case(
        "an extended resource that is used",
        [f"a {GPU}=2"],
        {GPU: 1},
        message=unavailable(1, f"1 Insufficient {GPU}"),
        existing={"a": [{GPU: 1}, {GPU: 1}]},
    ),
    Case("huge pages", ["a", "b hugepages-2Mi=64Mi"], {"hugepages-2Mi": "32Mi"}, "b"),
    Case(
        "too few huge pages",
        ["a hugepages-2Mi=64Mi"],
        {"hugepages-2Mi": "128Mi"},
        message=unavailable(1, "1 Insufficient hugepages-2Mi"),
    ),
    Case("a request of nothing is none", ["a"], {GPU: 0}, "a"),
    Case(
        "overhead counts",
        ["a"],
        {"cpu": "3900m", "overhead": {"cpu": "200m"}},
        message=unavailable(1, "1 Insufficient cpu"),
    ),
    Case("overhead that fits", ["a"], {"cpu": "3800m", "overhead": {"cpu": "200m"}}, "a"),
    Case(
        "overhead of a standing pod counts",
        ["a"],
        {"cpu": "2"},
        message=unavailable(1, "1 Insufficient cpu"),
        existing={"a": [{"cpu": "2", "overhead": {"cpu": "1m"}}]},
    ),
    Case(
        "containers add up",
        ["a"],
        {"containers": [container("2"), container("2001m")]},
        message=unavailable(1, "1 Insufficient cpu"),
    ),
    Case("init containers do not", ["a"], {"cpu": "3", "initContainers": [container("3"), container("4")]}, "a"),
    Case(
        "the largest init container counts",
        ["a"],
        {"cpu": "1", "initContainers": [container("5")]},
        message=unavailable(1, "1 Insufficient cpu"),
    ),
    Case(
        "a sidecar runs beside the containers",
        ["a"],
        {"cpu": "3", "initContainers": [container("1001m", restartPolicy="Always")]},
        message=unavailable(1, "1 Insufficient cpu"),
    ),
    Case(
        "a sidecar runs beside the init containers after it",
        ["a"],
        {"cpu": "1", "initContainers": [container("2", restartPolicy="Always"), container("2001m")]},
        message=unavailable(1, "1 Insufficient cpu"),
    ),
    Case(
        "but not beside those before it",
        ["a"],
        {"cpu": "1", "initContainers": [container("4"), container("2", restartPolicy="Always")]},
        "a",
    ),
    Case("the emptier node is better", ["a", "b"], {"cpu": "1"}, "a b", "b", existing={"a": [{"cpu": "1"}]}),
    Case("the larger node is better", ["a", "b cpu=8"], {"cpu": "1", "memory": "1Gi"}, "a b", "b"),
    Case("pods without requests spread too", ["a", "b"], {}, "a b", "b", existing={"a": [{}]}),
    Case(
        "a node in balance is better",
        ["a cpu=8 memory=8Gi", "b cpu=8 memory=8Gi"],
        {"cpu": "1", "memory": "1Gi"},
        "a b",
        "a",
        existing={"a": [{"cpu": "2", "memory": "2Gi"}], "b": [{"cpu": "4", "memory": "1Mi"}]},
    ),
]
IMAGES = [
    Case("an image that is there", ["a", "b web:1=900"], {"image": "web:1"}, "a b", "b"),
    Case("another tag is another image", ["a", "b web:2=900"], {"image": "web:1"}, "a b"),
    Case("latest is meant without a tag", ["a", "b web:latest=900"], {"image": "web"}, "a b", "b"),
    Case("a small image draws nobody", ["a", "b web:1=20"], {"image": "web:1"}, "a b"),
    Case(
        "the larger image draws more",
        ["a x:1=300", "b y:1=900"],
        {"containers": [{"name": "x", "image": "x:1"}, {"name": "y", "image": "y:1"}]},
        "a b",
        "b",
    ),
    Case(
        "init containers' images count",
        ["a", "b init:1=900"],
        {"initContainers": [{"name": "i", "image": "init:1"}]},
        "a b",
        "b",
    ),
]
CASES = [*CORDONED, *TAINTS, *SELECTORS, *HOST_PORTS, *RESOURCES, *IMAGES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nodes(case: Case) -> None:
    check(case)
