import pytest

from node.networkpolicy.pods import NamedPort, policy_pod, trimmed
from podlab.core.v1.pod_pb2 import Container, ContainerPort, EnvVar, Pod, PodIP, PodSpec, PodStatus
from podlab.meta.v1.meta_pb2 import ObjectMeta, Time


def pod(*, host_network: bool = False, phase: str = "Running", addresses: tuple[str, ...] = ("10.244.1.5",)) -> Pod:
    web = Container(
        name="web",
        env=[EnvVar(name="A", value="b")],
        ports=[
            ContainerPort(name="http", containerPort=80, protocol="TCP"),
            ContainerPort(containerPort=81, protocol="TCP"),
        ],
    )
    beside = Container(
        name="dns", restartPolicy="Always", ports=[ContainerPort(name="dns", containerPort=53, protocol="UDP")]
    )
    before = Container(name="init", ports=[ContainerPort(name="early", containerPort=82, protocol="TCP")])
    return Pod(
        metadata=ObjectMeta(
            name="web",
            namespace="shop",
            uid="u",
            labels={"app": "web"},
            annotations={"much": "text"},
            resourceVersion="7",
            creationTimestamp=Time(seconds=5),
        ),
        spec=PodSpec(nodeName="n1", hostNetwork=host_network, containers=[web], initContainers=[beside, before]),
        status=PodStatus(
            phase=phase, podIP=addresses[0] if addresses else "", podIPs=[PodIP(ip=ip) for ip in addresses]
        ),
    )


def test_a_pod_is_its_labels_its_address_and_its_named_ports() -> None:
    found = policy_pod(pod())
    assert found is not None
    assert (found.namespace, found.name, found.labels, found.address, found.node) == (
        "shop",
        "web",
        {"app": "web"},
        "10.244.1.5",
        "n1",
    )
    assert set(found.ports) == {NamedPort("http", "tcp", 80), NamedPort("dns", "udp", 53)}
    assert found.age == (5, 0, "u")


@pytest.mark.parametrize(
    "other",
    [
        pod(host_network=True),
        pod(phase="Succeeded"),
        pod(phase="Failed"),
        pod(addresses=()),
        pod(addresses=("fd00::5",)),
    ],
    ids=["on its node's network", "succeeded", "failed", "without an address", "of IPv6 alone"],
)
def test_some_pods_are_none_to_policies(other: Pod) -> None:
    assert policy_pod(other) is None


def test_of_two_addresses_each_is_a_pods_own() -> None:
    found = policy_pod(pod(addresses=("fd00::5", "10.244.1.5")))
    assert found is not None
    assert found.address == "10.244.1.5"
    second = policy_pod(pod(addresses=("fd00::5", "10.244.1.5")), "IPv6")
    assert second is not None
    assert second.address == "fd00::5"


def test_what_is_left_of_a_trimmed_pod_says_the_same_and_keeps_its_version() -> None:
    whole = pod()
    left = trimmed(whole)
    assert policy_pod(left) == policy_pod(whole)
    assert left.metadata.resourceVersion == "7"
    assert not left.metadata.annotations
    assert left.ByteSize() < whole.ByteSize()
