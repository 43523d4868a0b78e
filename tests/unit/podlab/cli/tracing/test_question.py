from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from podlab.cli.failures import CommandError
from podlab.cli.tracing.question import End, about_pod, about_service
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.errors import NotFound

BOTH = ("10.244.0.5", "fd00:244::5")
POD = End(BOTH, "n1", "shop/client")


def addresses(*found: str) -> dict[str, Any]:
    return {"addresses": [{"type": "InternalIP", "address": each} for each in found]}


def service(*own: str, **spec: Any) -> Service:
    ports = [{"name": "http", "port": 80, "nodePort": spec.pop("node_port", 0)}]
    whole = {"clusterIP": own[0], "clusterIPs": own, "ports": ports, **spec}
    return Service(metadata={"name": "web", "namespace": "shop"}, spec=whole)


class Objects:
    """The client of a cluster with node n1, and pod shop/web on it."""

    found: ClassVar[dict[str, Node | Pod]] = {
        "n1": Node(metadata={"name": "n1"}, status=addresses("192.0.2.1", "2001:db8::1")),
        "web": Pod(
            metadata={"name": "web", "namespace": "shop"},
            spec={"nodeName": "n1", "containers": [{"ports": [{"containerPort": 8080}]}]},
            status={"podIP": "10.244.0.6", "podIPs": [{"ip": "10.244.0.6"}, {"ip": "fd00:244::6"}]},
        ),
    }

    async def get(self, kind: type[Any], name: str, namespace: str = "") -> Any:
        found = self.found.get(name)
        if not isinstance(found, kind):
            raise NotFound(name)
        return found

    async def list(self, kind: type[Any], *_: Any) -> Any:
        return SimpleNamespace(items=[each for each in self.found.values() if isinstance(each, kind)])


CLIENT = cast(Client, Objects())


@pytest.mark.parametrize(
    ("sender", "family", "source", "destination"),
    [
        (POD, "", "10.244.0.5", "10.96.0.7"),
        (POD, "IPv6", "fd00:244::5", "fd00:96::7"),
        (End(("2001:db8::9",)), "", "2001:db8::9", "fd00:96::7"),
        (End(("198.51.100.9",)), "", "198.51.100.9", "10.96.0.7"),
    ],
    ids=["the Service's first", "as is wanted", "an address' own", "an address of IPv4"],
)
async def test_a_packet_is_of_one_family(sender: End, family: str, source: str, destination: str) -> None:
    asked = await about_service(CLIENT, service("10.96.0.7", "fd00:96::7"), sender, "", "", family)
    assert (asked.source, asked.destination, asked.port) == (source, destination, 80)


async def test_a_node_port_is_at_the_nodes_address_of_that_family() -> None:
    wanted = service("10.96.0.7", "fd00:96::7", node_port=30080)
    asked = await about_service(CLIENT, wanted, End(("2001:db8::9",)), "", "n1")
    assert (asked.destination, asked.port) == ("2001:db8::1", 30080)
    asked = await about_service(CLIENT, wanted, POD, "30080", "n1", "IPv6")
    assert (asked.destination, asked.port) == ("2001:db8::1", 30080)


async def test_an_external_address_of_the_family_comes_first() -> None:
    wanted = service("10.96.0.7", "fd00:96::7", externalIPs=["198.51.100.1", "2001:db8::aa"])
    for source, destination in (("198.51.100.9", "198.51.100.1"), ("2001:db8::9", "2001:db8::aa")):
        assert (await about_service(CLIENT, wanted, End((source,)), "", "n1")).destination == destination


async def test_a_family_that_a_service_or_a_sender_lacks_is_named() -> None:
    with pytest.raises(CommandError, match=r"Service shop/web has no IPv6 address, but 10\.96\.0\.7"):
        await about_service(CLIENT, service("10.96.0.7"), POD, "", "", "IPv6")
    with pytest.raises(CommandError, match="pod shop/client has no IPv6 address"):
        await about_service(CLIENT, service("fd00:96::7"), End(BOTH[:1], "n1", "shop/client"), "", "")


async def test_a_pod_is_reached_at_its_address_of_that_family() -> None:
    at = {}
    for sender, family in (("n1", ""), ("n1", "IPv6"), ("2001:db8::9", "")):
        asked = await about_pod(CLIENT, sender, "web", 0, "TCP", "shop", family)
        at[sender, family] = (asked.source, asked.destination, asked.port)
    assert at == {
        ("n1", ""): ("192.0.2.1", "10.244.0.6", 8080),
        ("n1", "IPv6"): ("2001:db8::1", "fd00:244::6", 8080),
        ("2001:db8::9", ""): ("2001:db8::9", "fd00:244::6", 8080),
    }


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"type": "ExternalName", "externalName": "db.example"}, "another name for db.example"),
        ({"clusterIP": "None"}, "headless"),
    ],
    ids=["ExternalName", "headless"],
)
async def test_services_without_rules_are_refused_with_what_to_try(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        await about_service(CLIENT, Service(metadata={"name": "web", "namespace": "shop"}, spec=spec), POD, "", "")
