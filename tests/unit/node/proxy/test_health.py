from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator

import pytest
from podlab_testing.ports import reserved_ports
from podlab_testing.services import CLUSTER_CIDR, endpoint_slice, exposures, service

from node.proxy.exposures import ServiceName
from node.proxy.frontends import Exposure
from node.proxy.health import HealthServers
from node.proxy.node import ProxyNode

NODE = ProxyNode("n1", CLUSTER_CIDR)
NAME = ("default", "s3")


@pytest.fixture
def ports() -> Iterator[tuple[int, ...]]:
    with reserved_ports(2) as found:
        yield found


def exposed(port: int, endpoints: int) -> dict[ServiceName, Exposure]:
    balanced = service(3)
    balanced.spec.type, balanced.spec.externalTrafficPolicy = "LoadBalancer", "Local"
    balanced.spec.healthCheckNodePort = port
    return dict(exposures([balanced], [endpoint_slice(3, endpoints)], NODE))


def ask(port: int) -> tuple[int, dict[str, object], str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read()), answer.getheader("X-Load-Balancing-Endpoint-Weight")


@pytest.mark.parametrize(("endpoints", "status", "here"), [(3, 200, 2), (1, 200, 1), (0, 503, 0)])
async def test_a_node_tells_how_many_endpoints_it_has(
    ports: tuple[int, ...], endpoints: int, status: int, here: int
) -> None:
    servers, port = HealthServers(), ports[0]
    await servers.follow(exposed(port, endpoints))
    told = {"service": {"namespace": "default", "name": "s3"}, "localEndpoints": here, "serviceProxyHealthy": True}
    assert await asyncio.to_thread(ask, port) == (status, told, str(here))
    await servers.close()


async def test_a_port_closes_with_its_service_and_moves_with_its_number(ports: tuple[int, ...]) -> None:
    servers, (first, second) = HealthServers(), ports
    await servers.follow(exposed(first, 1))
    await servers.follow(exposed(second, 1))
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(ask, first)
    assert (await asyncio.to_thread(ask, second))[0] == 200
    await servers.follow({NAME: Exposure()})
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(ask, second)


async def test_a_port_that_another_program_has_is_taken_once_it_is_free(
    ports: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    servers, port = HealthServers(), ports[0]
    with socket.create_server(("0.0.0.0", port)):
        await servers.follow(exposed(port, 1))
    assert f"healthCheckNodePort {port}" in caplog.text
    await servers.follow({})
    assert (await asyncio.to_thread(ask, port))[0] == 200
    await servers.close()
