"""Run in a network namespace of its own: a client stays with its endpoint while rules change and the proxy restarts."""

import socket
import sys

import uvloop
from podlab_testing.proxying import CLUSTER_IP, PATIENCE_S, PORT, Proxied, backend_of, listening, run

from podlab.core.v1.service_pb2 import ServiceSpec

FIRST, ENDPOINTS = "127.0.0.11", [f"127.0.0.{number}" for number in range(11, 17)]


def endpoint() -> str:
    """Which one answers: it says so before it hangs up."""
    with socket.create_connection((CLUSTER_IP, PORT), PATIENCE_S) as client:
        return client.recv(100).decode()


async def main(backend: str) -> None:
    spec = ServiceSpec(sessionAffinity="ClientIP")
    spec.sessionAffinityConfig.clientIP.timeoutSeconds = 60
    service = Proxied(backend_of(backend), spec=spec)
    with listening(*ENDPOINTS):
        await service.lead_to(FIRST)
        assert endpoint() == FIRST
        await service.lead_to(*ENDPOINTS)
        assert {endpoint() for _ in range(20)} == {FIRST}, "other endpoints came"
        restarted = Proxied(backend_of(backend), spec=spec)
        await restarted.lead_to(*ENDPOINTS)
        assert {endpoint() for _ in range(20)} == {FIRST}, "the proxy was started anew"
        await restarted.lead_to(*ENDPOINTS[1:])
        (second,) = {endpoint() for _ in range(20)}
        assert second != FIRST, "its endpoint went"


run("ip", "link", "set", "lo", "up")
uvloop.run(main(sys.argv[1]))
