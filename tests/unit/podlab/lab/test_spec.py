import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.lab.errors import LabError
from podlab.lab.spec import LabSpec, bridge_names, free_subnet, machine_name, machine_pattern


def spec(**changes: object) -> LabSpec:
    return LabSpec(**({"name": "lab", "masters": 1, "nodes": 2, "subnet": "10.99.7.0/24"} | changes))  # type: ignore[arg-type]


def test_an_address_tells_which_host_it_is() -> None:
    assert [(host.name, host.group, host.address) for host in spec().hosts] == [
        ("m1", "masters", "10.99.7.11"),
        ("n1", "nodes", "10.99.7.21"),
        ("n2", "nodes", "10.99.7.22"),
    ]
    (segment,) = spec().networks
    assert (segment.bridge, segment.gateway) == ("pl-lab", "10.99.7.1")


def test_of_two_segments_each_has_every_second_node_and_a_way_out_of_its_own() -> None:
    lab = spec(nodes=3, segments=2)
    assert [(host.name, host.address) for host in lab.hosts] == [
        ("m1", "10.99.7.11"),
        ("n1", "10.99.7.21"),
        ("n2", "10.99.7.150"),
        ("n3", "10.99.7.23"),
    ]
    assert [(each.bridge, str(each.network), each.gateway) for each in lab.networks] == [
        ("pl-lab", "10.99.7.0/25", "10.99.7.1"),
        ("p2-lab", "10.99.7.128/25", "10.99.7.129"),
    ]
    assert lab.segment_of(lab.host("n2")).bridge == "p2-lab"
    assert LabSpec(**lab.to_json()) == lab  # type: ignore[arg-type]


@given(masters=st.integers(0, 10), nodes=st.integers(1, 200))
def test_no_two_hosts_share_a_name_or_an_address(masters: int, nodes: int) -> None:
    hosts = spec(masters=masters, nodes=nodes).hosts
    assert len({host.name for host in hosts}) == len({host.address for host in hosts}) == masters + nodes


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "lab-", "a.b", "thirteen-char", "lab/../x"])
def test_a_name_that_cannot_name_a_bridge_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="lab name"):
        spec(name=name)


@pytest.mark.parametrize("name", ["a", "lab", "ci-2", "twelve-chars"])
def test_a_bridge_name_fits_the_kernels_15_characters(name: str) -> None:
    assert max(map(len, bridge_names(name))) <= 15


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"masters": 0, "nodes": 0}, "no hosts"),
        ({"masters": 11}, "11 masters"),
        ({"nodes": -1}, "-1 nodes"),
        ({"segments": 3}, "3 segments"),
        ({"segments": 2, "nodes": 101}, "101 nodes on two segments"),
        ({"subnet": "10.99.7.0/25"}, "too small"),
        ({"suite": "buster"}, "suite 'buster' is none that lab hosts can have: bookworm, trixie"),
        ({"subnet": "10.99.7.3/24"}, "not an IPv4 network"),
        ({"subnet": "fd00::/64"}, "not an IPv4 network"),
    ],
)
def test_a_lab_that_cannot_be_is_refused_with_its_reason(changes: dict[str, object], why: str) -> None:
    with pytest.raises(LabError, match=why):
        spec(**changes)


def test_an_unknown_host_is_named_beside_those_that_exist() -> None:
    with pytest.raises(LabError, match=r"no host 'n9': it has m1, n1, n2"):
        spec().host("n9")


def test_a_free_subnet_overlaps_nothing_in_use() -> None:
    assert free_subnet(set()) == "10.99.1.0/24"
    assert free_subnet({"10.99.1.0/24", "10.99.2.128/25", "192.168.0.0/16"}) == "10.99.3.0/24"
    with pytest.raises(LabError, match="no free /24"):
        free_subnet({"10.0.0.0/8"})


def test_a_labs_machines_are_told_from_those_of_a_lab_with_a_longer_name() -> None:
    assert machine_pattern("ci").fullmatch(machine_name("ci", "n1"))
    assert not machine_pattern("ci").fullmatch(machine_name("ci-2", "n1"))
    assert not machine_pattern("ci").fullmatch("podlab.cixn1")
