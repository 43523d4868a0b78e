from collections.abc import Callable

from podlab_testing.builtin_kinds import validate_status_update

from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import event_pb2, node_pb2
from podlab.discovery.v1 import endpointslice_pb2

Found = Callable[..., list[str]]


def node() -> node_pb2.Node:
    made = node_pb2.Node()
    made.metadata.name = "n1.example.com"
    made.spec.podCIDR = "10.244.1.0/24"
    made.spec.podCIDRs.append("10.244.1.0/24")
    made.spec.taints.add(key="a", effect="NoSchedule")
    made.status.capacity["cpu"].string = "2"
    made.status.addresses.add(type="InternalIP", address="10.0.0.1")
    return made


def endpoint_slice(address: str = "10.244.0.5") -> endpointslice_pb2.EndpointSlice:
    made = endpointslice_pb2.EndpointSlice(addressType="IPv4")
    made.metadata.name, made.metadata.namespace = "web-abcde", "default"
    made.endpoints.add(addresses=[address])
    made.ports.add(port=80)
    return made


def test_a_plain_node_is_fine(found: Found) -> None:
    assert found(node()) == []


def test_bad_taints_and_networks_of_a_node_are_told(found: Found) -> None:
    bad = node()
    bad.spec.taints.add(key="a", effect="NoSchedule")
    bad.spec.taints.add(key="b", effect="Never")
    bad.spec.podCIDRs[0] = "10.244.1.0"
    bad.spec.podCIDR = "10.244.1.7/24"
    assert [line.partition(": ")[0] for line in found(bad)] == [
        "spec.taints[1]",
        "spec.taints[2].effect",
        "spec.podCIDRs[0]",  # has no prefix
        "spec.podCIDR",
        "spec.podCIDRs[0]",  # is not podCIDR
    ]


def test_the_network_of_a_node_stays_once_given(found: Found) -> None:
    moved, bare = node(), node()
    moved.spec.podCIDR = moved.spec.podCIDRs[0] = "10.244.2.0/24"
    bare.spec.podCIDR = ""
    del bare.spec.podCIDRs[:]
    assert found(node(), bare) == []
    assert found(moved, node()) == [
        'spec.podCIDR: Forbidden: node updates may not change podCIDR except from "" to valid'
    ]


def test_a_status_update_looks_at_the_status_alone() -> None:
    new = node()
    new.spec.taints.add(key="bad key", effect="Never")
    assert validate_status_update(new, node()) == ()
    new.status.capacity["memory"].string = "-1"
    new.status.addresses.add(type="InternalIP", address="10.0.0.1")
    assert [str(cause) for cause in validate_status_update(new, node())] == [
        'status.capacity[memory]: Invalid value: "-1": must be greater than or equal to 0',
        'status.addresses[1]: Duplicate value: "InternalIP:10.0.0.1"',
    ]


def test_a_lease_lasts_for_a_while(found: Found) -> None:
    lease = lease_pb2.Lease()
    lease.metadata.name, lease.metadata.namespace = "n1", "kube-node-lease"
    lease.spec.leaseDurationSeconds = 0
    assert found(lease) == ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]


def test_endpoints_have_addresses_that_traffic_can_be_sent_to(found: Found) -> None:
    assert found(endpoint_slice()) == []
    for address in ("127.0.0.1", "169.254.1.1", "224.0.0.1", "0.0.0.0", "fe80::1"):
        assert found(endpoint_slice(address))[0].startswith(f'endpoints[0].addresses[0]: Invalid value: "{address}"')
    other = endpoint_slice("fd00::7")
    other.addressType = "IPv6"
    assert found(other) == []
    assert found(other, endpoint_slice()) == ['addressType: Invalid value: "IPv6": field is immutable']
    other.endpoints[0].addresses[:] = ["10.244.0.7"]
    assert found(other) == ['endpoints[0].addresses[0]: Invalid value: "10.244.0.7": must be a valid IPv6 address']
    other.addressType = "MAC"
    assert found(other)[0].startswith('addressType: Unsupported value: "MAC"')


def test_an_event_lives_beside_what_it_is_about(found: Found) -> None:
    event = event_pb2.Event(involvedObject={"kind": "Pod", "namespace": "other"})  # type: ignore[arg-type]
    event.metadata.name, event.metadata.namespace = "e", "default"
    assert found(event) == ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']
    event.involvedObject.namespace = ""  # a node, say
    assert found(event) == []
