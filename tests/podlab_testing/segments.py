"""Nodes on two network segments with a router between them, each in a network namespace: for programs started by
`unshare --net --mount`, with which all goes.

n1 and n2 are on one segment, n3 on the other. Each has a pod, in a namespace of its own behind a plain bridge. The
router knows the segments and nothing else.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from node.network.connector import Connector
from node.network.peers import Peer
from node.network.ways import Overlay
from podlab_testing.pod_ways import peer

ROUTER = "router"
NODES = {
    "n1": peer("n1", "192.0.2.1 2001:db8:a::1", "10.244.1.0/24 fd00:1::/64"),
    "n2": peer("n2", "192.0.2.2 2001:db8:a::2", "10.244.2.0/24 fd00:2::/64"),
    "n3": peer("n3", "198.51.100.3 2001:db8:b::3", "10.244.3.0/24 fd00:3::/64"),
}
_GATEWAYS = {"192.0.2": ("192.0.2.254", "2001:db8:a::fe"), "198.51.100": ("198.51.100.254", "2001:db8:b::fe")}
_CLONE_NEWNET = 0x40000000
T = TypeVar("T")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def at(place: str, *command: str) -> str:
    """What the command prints in the namespace of a node, a pod ("pod-n1") or the router."""
    return run("ip", "netns", "exec", place, *command)


def script(place: str, module: ModuleType, task: dict[str, Any]) -> Any:
    """What one of preflight's scripts tells there. It runs as on a host: from its text."""
    source = Path(str(module.__file__)).read_bytes()
    command = ["ip", "netns", "exec", place, sys.executable, "-", json.dumps(task)]
    done = subprocess.run(command, input=source, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def pod(node: str, version: int = 4) -> str:
    """The address of the node's pod."""
    return str(next(pods for pods in NODES[node].pods if pods.version == version)[5])


class Segments:
    def __init__(self, mtu: int = 1500) -> None:
        run("mount", "-t", "tmpfs", "tmpfs", "/run")  # where namespaces get their names
        run("ip", "netns", "add", ROUTER)
        for name in NODES:
            self._make_node(name, mtu)
        for setting in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            at(ROUTER, "sh", "-c", f"echo 1 > /proc/sys/{setting}")
        self._connectors: dict[str, Connector] = {}

    def _make_node(self, name: str, mtu: int) -> None:
        v4, v6 = map(str, NODES[name].addresses)
        bridge = f"br-{v4.rpartition('.')[0].replace('.', '-')}"
        run("ip", "netns", "add", name)
        at(name, "ip", "link", "set", "lo", "up")
        if bridge not in at(ROUTER, "ip", "-br", "link"):
            at(ROUTER, "ip", "link", "add", bridge, "mtu", str(mtu), "type", "bridge")
            for gateway, length in zip(_GATEWAYS[v4.rpartition(".")[0]], (24, 64), strict=True):
                at(ROUTER, "ip", "address", "add", f"{gateway}/{length}", "dev", bridge, *_at_once(length))
            at(ROUTER, "ip", "link", "set", bridge, "up")
        at(ROUTER, "ip", "link", "add", f"to-{name}", "mtu", str(mtu), "type", "veth", "peer", "eth0", "netns", name)
        at(ROUTER, "ip", "link", "set", f"to-{name}", "master", bridge, "up")
        at(name, "ip", "link", "set", "eth0", "mtu", str(mtu), "up")
        for address, length in ((v4, 24), (v6, 64)):
            at(name, "ip", "address", "add", f"{address}/{length}", "dev", "eth0", *_at_once(length))
        for gateway in _GATEWAYS[v4.rpartition(".")[0]]:
            at(name, "ip", "route", "add", "default", "via", gateway)
        at(name, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")

    def give_pods(self, mtu: int) -> None:
        """A pod to each node, with interfaces of that MTU."""
        for name, node in NODES.items():
            place = f"pod-{name}"
            run("ip", "netns", "add", place)
            at(name, "ip", "link", "add", "pods", "mtu", str(mtu), "type", "bridge")
            at(name, "ip", "link", "add", "door", "mtu", str(mtu), "type", "veth", "peer", "eth0", "netns", place)
            at(name, "ip", "link", "set", "door", "master", "pods", "up")
            at(name, "ip", "link", "set", "pods", "up")
            at(place, "ip", "link", "set", "lo", "up")
            at(place, "ip", "link", "set", "eth0", "mtu", str(mtu), "up")
            for pods in node.pods:
                length = pods.prefixlen
                at(name, "ip", "address", "add", f"{pods[1]}/{length}", "dev", "pods", *_at_once(length))
                at(place, "ip", "address", "add", f"{pods[5]}/{length}", "dev", "eth0", *_at_once(length))
                at(place, "ip", "route", "add", "default", "via", str(pods[1]))

    def connect(self, name: str, overlay: Overlay = Overlay.AUTO, without: str = "") -> int | None:
        """The node's ways as the kubelet sets them up, to all nodes but one; the MTU of its pods."""
        connector = self._connectors[name] = Connector(overlay)
        others: list[Peer] = [node for node in NODES.values() if node.name != without]
        return within(name, lambda: asyncio.run(connector.connect(NODES[name], others)))

    def problems(self, name: str) -> frozenset[str]:
        return self._connectors[name].problems


def within(place: str, act: Callable[[], T]) -> T:
    """Does it in a thread in that namespace; threads that it starts are there as well."""
    with ThreadPoolExecutor(1, initializer=_enter, initargs=(f"/run/netns/{place}",)) as pool:
        return pool.submit(act).result(60)


def _enter(namespace: str) -> None:
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(descriptor)


def _at_once(length: int) -> tuple[str, ...]:
    """An address of IPv6 is not tried for a second before it may be used."""
    return ("nodad",) if length > 32 else ()
