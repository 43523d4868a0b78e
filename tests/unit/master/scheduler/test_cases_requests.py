"""Scheduling cases about what pods ask for: sidecars, overhead, extended resources, ports, and how nodes are ranked.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/,
https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/
"""

import pytest
from podlab_testing.scheduling import (
    PORTS,
    Case,
    Fields,
    check,
    container,
    host_port,
    sidecar,
    unavailable,
    with_init_containers,
)

from master.scheduler.config import plugin_args
from master.scheduler.config.profile import Profile, WeightedScore
from master.scheduler.plugins.image_locality import ImageLocality
from master.scheduler.plugins.node_resources_fit import NodeResourcesFit

GPU = "example.com/gpu"
CPU, MEMORY, PODS = "Insufficient cpu", "Insufficient memory", "Too many pods"


SIDECARS = [
    Case(
        "two sidecars and the container add up", ["a"], with_init_containers(sidecar("1"), sidecar("2"), cpu="1"), "a"
    ),
    Case(
        "and may be too much",
        ["a"],
        with_init_containers(sidecar("1"), sidecar("2"), cpu="1001m"),
        message=unavailable(1, f"1 {CPU}"),
    ),
    Case(
        "an init container beside two sidecars",
        ["a"],
        with_init_containers(sidecar("1"), sidecar("1"), container("2")),
        "a",
    ),
    Case(
        "which are there by then",
        ["a"],
        with_init_containers(sidecar("1"), sidecar("1"), container("2001m")),
        message=unavailable(1, f"1 {CPU}"),
    ),
    Case(
        "a sidecar that comes later does not count",
        ["a"],
        with_init_containers(sidecar("1"), container("3"), sidecar("2"), cpu="1"),
        "a",
    ),
    Case(
        "the moment with the most of each resource counts",
        ["a"],
        with_init_containers(container("4", memory="1Gi"), container("1", memory="8Gi"), cpu="1"),
        "a",
    ),
    Case(
        "which may be two moments",
        ["a"],
        with_init_containers(container("5", memory="1Gi"), container("1", memory="9Gi")),
        message=unavailable(1, f"1 {CPU}", f"1 {MEMORY}"),
    ),
    Case(
        "overhead is added to the start too",
        ["a"],
        with_init_containers(container("3900m"), overhead={"cpu": "200m"}),
        message=unavailable(1, f"1 {CPU}"),
    ),
    Case(
        "overhead and sidecars", ["a"], with_init_containers(sidecar("2"), cpu="1900m", overhead={"cpu": "100m"}), "a"
    ),
    Case(
        "overhead of a resource that no container asks for",
        ["a"],
        {"overhead": {"memory": "9Gi"}},
        message=unavailable(1, f"1 {MEMORY}"),
    ),
    Case(
        "a sidecar's extended resource",
        [f"a {GPU}=2"],
        with_init_containers(sidecar(**{GPU: 1}), **{GPU: 2}),
        message=unavailable(1, f"1 Insufficient {GPU}"),
    ),
    Case(
        "an init container's is given back",
        [f"a {GPU}=2"],
        with_init_containers(container(**{GPU: 2}), **{GPU: 2}),
        "a",
    ),
    Case(
        "what a standing sidecar takes stays taken",
        ["a"],
        {"cpu": "2"},
        message=unavailable(1, f"1 {CPU}"),
        existing={"a": [with_init_containers(sidecar("1500m"), cpu="1")]},
    ),
    Case(
        "what a standing pod's start took stays taken",
        ["a"],
        {"cpu": "2"},
        message=unavailable(1, f"1 {CPU}"),
        existing={"a": [with_init_containers(container("3"), cpu="1")]},
    ),
]
AMOUNTS = [
    Case("nothing of a resource that no node has", ["a", "b"], {GPU: "0"}, "a b"),
    Case("nothing of one that is used up", [f"a {GPU}=1"], {GPU: "0"}, "a", existing={"a": [{GPU: 1}]}),
    Case(
        "no CPU of a node that has too little for its pods",
        ["a cpu=1"],
        {"cpu": "0"},
        "a",
        existing={"a": [{"cpu": "2"}]},
    ),
    Case(
        "a little of one that has too little",
        ["a cpu=1"],
        {"cpu": "1m"},
        message=unavailable(1, f"1 {CPU}"),
        existing={"a": [{"cpu": "2"}]},
    ),
    Case(
        "a fraction of a thousandth is one",
        ["a cpu=1"],
        {"cpu": "100u"},
        message=unavailable(1, f"1 {CPU}"),
        existing={"a": [{"cpu": "1"}]},
    ),
    Case("decimal and binary units", ["a memory=1G"], {"memory": "1Gi"}, message=unavailable(1, f"1 {MEMORY}")),
    Case("the last place on a node", ["a pods=2"], {}, "a", existing={"a": [{}]}),
    Case("no pods at all", ["a pods=0"], {}, message=unavailable(1, f"1 {PODS}")),
    Case(
        "each node lacks something else",
        ["a cpu=1", "b memory=1Gi", "c pods=0"],
        {"cpu": "2", "memory": "2Gi"},
        message=unavailable(3, f"1 {CPU}", f"1 {MEMORY}", f"1 {PODS}"),
    ),
    Case("a node that offers nothing of it", ["a cpu=0"], {"cpu": "1"}, message=unavailable(1, f"1 {CPU}")),
    Case(
        "huge pages of another size",
        ["a hugepages-2Mi=64Mi"],
        {"containers": [container(**{"hugepages-1Gi": "1Gi"})]},
        message=unavailable(1, "1 Insufficient hugepages-1Gi"),
    ),
]
TAKEN = {"a": [{"containers": [{"name": "c", **host_port(80, "127.0.0.1")}]}]}
HOST_PORTS = [
    Case(
        "a loopback port and all addresses", ["a"], {"port": 80}, message=unavailable(1, f"1 {PORTS}"), existing=TAKEN
    ),
    Case("a loopback port and another address", ["a"], {"port": "10.0.0.1@80"}, "a", existing=TAKEN),
    Case("a loopback port of another protocol", ["a"], {"port": "127.0.0.1@80/UDP"}, "a", existing=TAKEN),
    Case("SCTP is a protocol of its own", ["a"], {"port": "80/SCTP"}, "a", existing={"a": [{"port": 80}]}),
    Case(
        "one of several ports is enough",
        ["a"],
        {"containers": [{"name": "x", **host_port(8080)}, {"name": "y", **host_port(80)}]},
        message=unavailable(1, f"1 {PORTS}"),
        existing=TAKEN,
    ),
    Case(
        "a sidecar holds its port",
        ["a", "b"],
        {"port": 80},
        "b",
        "b",
        existing={"a": [with_init_containers({**sidecar(), **host_port(80)})]},
    ),
    Case(
        "and needs it",
        ["a"],
        with_init_containers({**sidecar(), **host_port(80)}),
        message=unavailable(1, f"1 {PORTS}"),
        existing=TAKEN,
    ),
    Case(
        "an init container that ends does not",
        ["a"],
        with_init_containers({**container(), **host_port(80)}),
        "a",
        existing=TAKEN,
    ),
]


@pytest.mark.parametrize("case", [*SIDECARS, *AMOUNTS, *HOST_PORTS], ids=lambda case: case.name)
def test_requests(case: Case) -> None:
    check(case)


def ranked(plugin: NodeResourcesFit | ImageLocality) -> Profile:
    filters = (plugin,) if hasattr(plugin, "filter") else ()
    return Profile("default-scheduler", filters, (WeightedScore(plugin, 1),))


def fit(kind: str = "LeastAllocated", resources: str = "cpu", shape: str = "", **more: object) -> NodeResourcesFit:
    """`shape` is pairs of utilization and score, `resources` names with weights."""
    parts = [each.partition("*") for each in resources.split()]
    weighted = [{"name": name, "weight": int(weight or 1)} for name, _, weight in parts]
    strategy: Fields = {"type": kind, "resources": weighted}
    if shape:
        points = [each.split(":") for each in shape.split()]
        found = [{"utilization": int(at), "score": int(score)} for at, score in points]
        strategy["requestedToCapacityRatio"] = {"shape": found}
    return plugin_args.node_resources_fit({"scoringStrategy": strategy, **more}, "args")


RATIO = "RequestedToCapacityRatio"
HALF = {"a": [{"cpu": "2"}]}
RANKS = [
    (Case("least allocated spreads", ["a", "b"], {"cpu": "1"}, "a b", "b", existing=HALF), fit()),
    (Case("most allocated packs", ["a", "b"], {"cpu": "1"}, "a b", "a", existing=HALF), fit("MostAllocated")),
    (Case("a rising shape packs", ["a", "b"], {"cpu": "1"}, "a b", "a", existing=HALF), fit(RATIO, shape="0:0 100:10")),
    (
        Case("a falling shape spreads", ["a", "b"], {"cpu": "1"}, "a b", "b", existing=HALF),
        fit(RATIO, shape="0:10 100:0"),
    ),
    (
        Case(
            "a peak in the middle",
            ["a", "b", "c"],
            {"cpu": "1"},
            "a b c",
            "a",
            existing={"a": [{"cpu": "1"}], "b": [{"cpu": "3"}]},
        ),
        fit(RATIO, shape="0:0 50:10 100:0"),
    ),
    (
        Case("a flat shape leaves all alike", ["a", "b"], {"cpu": "1"}, "a b", existing=HALF),
        fit(RATIO, shape="0:5 100:5"),
    ),
    (
        Case("a full node is at the shape's end", ["a", "b"], {"cpu": "2"}, "a b", "a", existing=HALF),
        fit(RATIO, shape="0:0 99:0 100:10"),
    ),
    (
        Case("rare devices are packed", [f"a {GPU}=4", f"b {GPU}=4"], {GPU: 1}, "a b", "b", existing={"b": [{GPU: 2}]}),
        fit(RATIO, f"{GPU}*3 cpu", "0:0 100:10"),
    ),
    (
        Case(
            "who asks for none is not drawn to them",
            [f"a {GPU}=4", "b cpu=8"],
            {"cpu": "1"},
            "a b",
            "b",
            existing={"a": [{GPU: 2}]},
        ),
        fit("LeastAllocated", f"{GPU}*9 cpu"),
    ),
    (
        Case(
            "the heavier resource decides",
            ["a", "b"],
            {"cpu": "1", "memory": "1Gi"},
            "a b",
            "b",
            existing={"a": [{"cpu": "1"}], "b": [{"memory": "4Gi"}]},
        ),
        fit("LeastAllocated", "cpu*10 memory"),
    ),
    (
        Case(
            "a resource that a node lacks does not count there",
            ["a cpu=8", "b ephemeral-storage=1Gi"],
            {"cpu": "4"},
            "a b",
        ),
        fit("LeastAllocated", "cpu ephemeral-storage"),
    ),
    (Case("ignored resources refuse nobody", ["a"], {GPU: 1}, "a"), fit(ignoredResources=[GPU])),
    (Case("nor do ignored groups", ["a"], {GPU: 1}, "a"), fit(ignoredResourceGroups=["example.com"])),
    (
        Case("but others of such a name", ["a"], {GPU: 1}, message=unavailable(1, f"1 Insufficient {GPU}")),
        fit(ignoredResourceGroups=["example.org"]),
    ),
    (
        Case(
            "overhead counts in the ranking", ["a cpu=8", "b cpu=7"], {"cpu": "1", "overhead": {"cpu": "5"}}, "a b", "a"
        ),
        fit(),
    ),
]


@pytest.mark.parametrize(("case", "plugin"), RANKS, ids=lambda each: getattr(each, "name", ""))
def test_strategies(case: Case, plugin: NodeResourcesFit) -> None:
    result = check(case, ranked(plugin))
    if case.fits and not case.wins:
        assert len(result.best) == len(result.feasible)


def images(*names: str) -> Fields:
    return {"containers": [{"name": f"c{number}", "image": name} for number, name in enumerate(names)]}


IMAGES = [
    (Case("below the least size it is as good as none", ["a web:1=23", "b"], images("web:1"), "a b"), (0, 0)),
    # 1,024 MiB on one of two nodes count as 512: (512 - 23) / (1000 - 23)
    (
        Case("an image counts by the share of nodes that have it", ["a web:1=1024", "b"], images("web:1"), "a b"),
        (50, 0),
    ),
    (Case("where all have it, it counts in full", ["a web:1=600", "b web:1=300"], images("web:1"), "a b"), (59, 28)),
    (Case("no more than the most", ["a web:1=9000"], images("web:1"), "a"), (100,)),
    # (400 + 400 - 23) / (2000 - 23)
    (Case("the most is for each container", ["a x:1=400 y:1=400"], images("x:1", "y:1"), "a"), (39,)),
    (Case("an image that two containers use counts twice", ["a x:1=400"], images("x:1", "x:1"), "a"), (39,)),
    (
        Case(
            "a registry with a port is no tag", ["a r.example:5000/web:latest=1000"], images("r.example:5000/web"), "a"
        ),
        (100,),
    ),
]


@pytest.mark.parametrize(("case", "scores"), IMAGES, ids=lambda each: getattr(each, "name", ""))
def test_images(case: Case, scores: tuple[int, ...]) -> None:
    result = check(case, ranked(ImageLocality()))
    raw = result.scores[0].raw.tolist() if result.scores else [0] * len(scores)
    assert tuple(raw) == scores
