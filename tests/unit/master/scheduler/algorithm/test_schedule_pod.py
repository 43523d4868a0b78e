"""Decisions of the whole policy on small clusters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import ScheduleResult, schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.plugins.image_locality import ImageLocality
from podlab.core.v1.node_pb2 import ContainerImage, Node, NodeSpec, NodeStatus, Taint
from podlab.core.v1.pod_pb2 import (
    Affinity,
    Container,
    ContainerPort,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    Pod,
    PodSpec,
    PreferredSchedulingTerm,
    ResourceRequirements,
    Toleration,
)
from podlab.meta.v1.meta_pb2 import ObjectMeta, Quantity

GIB = 1024**3


def node(
    name: str,
    cpu: str = "2",
    memory: str = "4Gi",
    pods: str = "110",
    *,
    labels: dict[str, str] | None = None,
    taints: list[Taint] | None = None,
    unschedulable: bool = False,
    images: dict[str, int] | None = None,
) -> Node:
    amounts = {"cpu": Quantity(string=cpu), "memory": Quantity(string=memory), "pods": Quantity(string=pods)}
    held = [ContainerImage(names=[image], sizeBytes=size) for image, size in (images or {}).items()]
    return Node(
        metadata=ObjectMeta(name=name, labels={"kubernetes.io/hostname": name, **(labels or {})}),
        spec=NodeSpec(taints=taints or [], unschedulable=unschedulable),
        status=NodeStatus(allocatable=amounts, images=held),
    )


def pod(name: str = "web", cpu: str = "", memory: str = "", *, image: str = "web:1", host_port: int = 0,
        init: list[Container] | None = None, **spec: object) -> Pod:  # fmt: skip
    requests = {key: Quantity(string=value) for key, value in (("cpu", cpu), ("memory", memory)) if value}
    ports = [ContainerPort(containerPort=80, hostPort=host_port, protocol="TCP")] if host_port else []
    container = Container(name="c", image=image, resources=ResourceRequirements(requests=requests), ports=ports)
    return Pod(
        metadata=ObjectMeta(name=name, namespace="default", uid=f"uid-{name}"),
        spec=PodSpec(containers=[container], initContainers=init or [], **spec),  # type: ignore[arg-type]
    )


def cluster(*nodes: Node, placed: list[tuple[Pod, str]] | None = None) -> Snapshot:
    snapshot = Snapshot()
    for each in nodes:
        snapshot.set_node(each)
    for each_pod, name in placed or []:
        snapshot.add_pod(pod_info(each_pod), name)
    return snapshot


def decide(wanted: Pod, snapshot: Snapshot) -> ScheduleResult:
    return schedule_pod(pod_info(wanted), snapshot, DEFAULT_PROFILE, FilterCache())


def affinity(*requirements: NodeSelectorRequirement) -> Affinity:
    term = NodeSelectorTerm(matchExpressions=requirements)
    required = NodeSelector(nodeSelectorTerms=[term])
    return Affinity(nodeAffinity=NodeAffinity(requiredDuringSchedulingIgnoredDuringExecution=required))


def test_a_pod_goes_where_more_room_is() -> None:
    snapshot = cluster(node("n1"), node("n2"), placed=[(pod("other", "1", "2Gi"), "n1")])
    assert decide(pod(cpu="100m"), snapshot).node_name == "n2"


def test_pods_without_requests_spread_too() -> None:
    snapshot = cluster(node("n1"), node("n2"), placed=[(pod("other"), "n1")])
    assert decide(pod(), snapshot).node_name == "n2"


def test_a_pod_without_room_is_told_what_lacks_where() -> None:
    snapshot = cluster(node("n1", cpu="1"), node("n2", memory="1Gi"), node("n3", cpu="1", memory="1Gi"))
    decision = decide(pod(cpu="1500m", memory="2Gi"), snapshot)
    assert decision.node_name == ""
    assert decision.message == "0/3 nodes are available: 2 Insufficient cpu, 2 Insufficient memory."


def test_without_nodes_the_message_says_so() -> None:
    assert decide(pod(), cluster()).message == "no nodes available to schedule pods"


def test_each_reason_is_counted() -> None:
    taint = Taint(key="dedicated", value="db", effect="NoSchedule")
    snapshot = cluster(node("n1", unschedulable=True), node("n2", taints=[taint]), node("n3", pods="0"))
    assert decide(pod(), snapshot).message == (
        "0/3 nodes are available: 1 Too many pods, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable."
    )


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        (Toleration(key="dedicated", operator="Equal", value="db", effect="NoSchedule"), True),
        (Toleration(key="dedicated", operator="Exists"), True),
        (Toleration(operator="Exists"), True),
        (Toleration(key="dedicated", operator="Equal", value="web"), False),
        (Toleration(key="dedicated", operator="Exists", effect="NoExecute"), False),
    ],
)
def test_a_taint_keeps_out_what_does_not_tolerate_it(toleration: Toleration, fits: bool) -> None:
    taint = Taint(key="dedicated", value="db", effect="NoSchedule")
    decision = decide(pod(tolerations=[toleration]), cluster(node("n1", taints=[taint])))
    assert bool(decision.node_name) is fits


def test_a_taint_that_evicts_keeps_out_too() -> None:
    tainted = node("n1", taints=[Taint(key="gone", effect="NoExecute")])
    assert decide(pod(), cluster(tainted)).message == ("0/1 nodes are available: 1 node(s) had untolerated taint(s).")


def test_a_soft_taint_is_avoided_but_does_not_refuse() -> None:
    taint = Taint(key="slow", effect="PreferNoSchedule")
    assert decide(pod(), cluster(node("n1", taints=[taint]), node("n2", cpu="1"))).node_name == "n2"
    assert decide(pod(), cluster(node("n1", taints=[taint]))).node_name == "n1"


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("In", ["ssd", "nvme"], {"n1"}),
        ("NotIn", ["ssd"], {"n2", "n3"}),
        ("Exists", [], {"n1", "n2"}),
        ("DoesNotExist", [], {"n3"}),
    ],
)
def test_required_affinity_by_operator(operator: str, values: list[str], expected: set[str]) -> None:
    snapshot = cluster(node("n1", labels={"disk": "ssd"}), node("n2", labels={"disk": "hdd"}), node("n3"))
    wanted = pod(affinity=affinity(NodeSelectorRequirement(key="disk", operator=operator, values=values)))
    decision = decide(wanted, snapshot)
    assert {snapshot.names[row] for row in decision.feasible} == expected


@pytest.mark.parametrize(("operator", "expected"), [("Gt", {"n2"}), ("Lt", {"n1"})])
def test_affinity_compares_numbers(operator: str, expected: set[str]) -> None:
    snapshot = cluster(
        node("n1", labels={"gen": "3"}), node("n2", labels={"gen": "12"}), node("n3", labels={"gen": "x"})
    )
    wanted = pod(affinity=affinity(NodeSelectorRequirement(key="gen", operator=operator, values=["5"])))
    assert {snapshot.names[row] for row in decide(wanted, snapshot).feasible} == expected


def test_a_node_selector_must_match_wholly() -> None:
    snapshot = cluster(node("n1", labels={"disk": "ssd"}), node("n2", labels={"disk": "ssd", "zone": "a"}))
    assert decide(pod(nodeSelector={"disk": "ssd", "zone": "a"}), snapshot).node_name == "n2"
    assert "didn't match Pod's node affinity/selector" in decide(pod(nodeSelector={"zone": "b"}), snapshot).message


def test_preferred_affinity_outweighs_room() -> None:
    preferred = PreferredSchedulingTerm(
        weight=10,
        preference=NodeSelectorTerm(matchExpressions=[NodeSelectorRequirement(key="fast", operator="Exists")]),
    )
    wish = Affinity(nodeAffinity=NodeAffinity(preferredDuringSchedulingIgnoredDuringExecution=[preferred]))
    snapshot = cluster(node("n1"), node("n2", labels={"fast": ""}), placed=[(pod("other", "1", "1Gi"), "n2")])
    assert decide(pod(affinity=wish), snapshot).node_name == "n2"


def test_a_label_that_changes_later_is_seen() -> None:
    snapshot = cluster(node("n1", labels={"disk": "hdd"}))
    assert decide(pod(nodeSelector={"disk": "ssd"}), snapshot).node_name == ""
    snapshot.set_node(node("n1", labels={"disk": "ssd"}))
    assert decide(pod(nodeSelector={"disk": "ssd"}), snapshot).node_name == "n1"


def test_a_host_port_is_taken_once_per_node() -> None:
    snapshot = cluster(node("n1"), placed=[(pod("first", host_port=8080), "n1")])
    decision = decide(pod("second", host_port=8080), snapshot)
    assert decision.message.endswith("1 node(s) didn't have free ports for the requested pod ports.")
    assert decide(pod("third", host_port=8081), snapshot).node_name == "n1"
    snapshot.remove_pod("uid-first")
    assert decide(pod("second", host_port=8080), snapshot).node_name == "n1"


def test_a_large_image_draws_its_pod() -> None:
    nodes = [node("n1"), node("n2", images={"big:1": 900 * 1024**2})]
    assert decide(pod(image="big:1"), cluster(*nodes)).node_name == "n2"


def test_an_image_that_few_nodes_have_draws_less() -> None:
    image = {"big:1": 900 * 1024**2}

    def score(owners: int) -> int:
        nodes = cluster(*(node(f"n{number}", images=image if number < owners else {}) for number in range(4)))
        given = ImageLocality().score(pod_info(pod(image="big:1")), nodes, nodes.all)
        assert given is not None
        return int(given[0])

    assert 0 < score(1) < score(2) < score(4)


def test_init_containers_count_at_their_largest_and_sidecars_always() -> None:
    def started(cpu: str, restart: str | None) -> Container:
        resources = ResourceRequirements(requests={"cpu": Quantity(string=cpu)})
        return Container(name=f"i{cpu}", image="i", resources=resources, restartPolicy=restart)

    info = pod_info(pod(cpu="500m", init=[started("200m", "Always"), started("1", None), started("100m", "Always")]))
    assert info.shape.requests.requested["cpu"] == 1200
    assert pod_info(pod(cpu="2", init=[started("1", None)])).shape.requests.requested["cpu"] == 2000


def test_the_same_pod_gets_the_same_node_among_equals() -> None:
    nodes = [node(f"n{n}") for n in range(10)]
    names = {decide(pod(), cluster(*nodes)).node_name for _ in range(5)}
    assert len(names) == 1
    assert len({decide(pod(f"p{n}"), cluster(*nodes)).node_name for n in range(30)}) > 1


def test_a_node_that_left_is_not_judged_and_its_row_is_used_again() -> None:
    snapshot = cluster(node("n1"), node("n2"), placed=[(pod("other", "1"), "n1")])
    snapshot.remove_node("n1")
    assert decide(pod(), snapshot).node_name == "n2"
    snapshot.set_node(node("n3", cpu="1"))
    assert snapshot.size == 2
    assert snapshot.resources.amount("cpu", snapshot.row("n3"))[0] == 0
    snapshot.set_node(node("n1"))
    assert snapshot.resources.amount("cpu", snapshot.row("n1"))[0] == 1000


actions = st.lists(
    st.tuples(st.sampled_from(["place", "remove"]), st.integers(0, 9), st.integers(0, 19), st.integers(1, 2000)),
    max_size=40,
)


@given(actions)
def test_the_arrays_always_equal_the_sum_of_what_stands_there(history: list[tuple[str, int, int, int]]) -> None:
    snapshot = cluster(*(node(f"n{n}") for n in range(20)))
    placed: dict[int, tuple[int, int]] = {}
    for action, number, place, cpu in history:
        if action == "place":
            snapshot.add_pod(pod_info(pod(f"p{number}", f"{cpu}m")), f"n{place}")
            placed[number] = (place, cpu)
        else:
            assert (snapshot.remove_pod(f"uid-p{number}") is None) == (placed.pop(number, None) is None)
    for n in range(20):
        row = snapshot.row(f"n{n}")
        assert snapshot.resources.amount("cpu", row)[0] == sum(cpu for place, cpu in placed.values() if place == n)
        assert snapshot.resources.amount("pods", row)[0] == sum(place == n for place, _ in placed.values())
