"""Three nodes on a bridge: who answers, for how long nobody does, and that all is gone with the process.

Addresses of IPv4 are asked for with real ARP; one of IPv6 is resolved by the kernel's own neighbour discovery.

In a network and a mount namespace of its own. `segment.py NODE` is one of the nodes, which begins when it is told to.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from podlab_testing.arp_client import ArpClient
from podlab_testing.waiting import WITHIN_S

from node.loadbalancer.decide import READY
from node.loadbalancer.memory import Memory
from node.loadbalancer.responder import Identity, Responder
from node.loadbalancer.wanted import WantedAddress
from podlab.api.values.addresspool import parse_pool

NODES = {"n1": "192.0.2.1", "n2": "192.0.2.2", "n3": "192.0.2.3"}
POOL = parse_pool(["192.0.2.200-192.0.2.203", "fd00:2::200"])
IPV6 = "fd00:2::200"
ADDRESSES = [f"192.0.2.{number}" for number in range(200, 204)]
BRIDGE = "segment"
KUBELET_PORT = 7450
# Five seconds are promised, and held on a lab; a machine that runs other tests may take longer.
MOVED_WITHIN_S = 20


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def ready(name: str) -> Path:
    """There once the node waits to begin."""
    return Path(f"/run/{name}.ready")


def node(name: str) -> None:
    """Runs one node until it is killed; a line for each move. Ends before it begins when who prepared it has gone."""
    ready(name).touch()
    if not sys.stdin.readline():
        return
    kubelet = socket.create_server((NODES[name], KUBELET_PORT))
    threading.Thread(target=lambda: [kubelet.accept()[0].close() for _ in iter(int, 1)], daemon=True).start()
    memory = Memory(Path(f"/run/{name}.json"))
    responder = Responder(Identity(name, NODES[name], lambda: (b"01234567",), KUBELET_PORT), POOL, memory, print)
    responder.want(
        {each: WantedAddress(("default", each), dict.fromkeys(NODES, READY)) for each in (*ADDRESSES, IPV6)},
        frozenset(NODES.values()),
    )
    responder.run()


def make() -> None:
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", "192.0.2.100/24", "dev", BRIDGE)
    run("ip", "address", "add", "fd00:2::100/64", "dev", BRIDGE, "nodad")
    run("ip", "link", "set", BRIDGE, "up")
    for name, address in NODES.items():
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"v{name}", "master", BRIDGE, "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", name, "address", "add", f"fd00:2::{name[1:]}/64", "dev", "eth0", "nodad")
        run("ip", "-n", name, "link", "set", "eth0", "up")


def prepare(name: str) -> subprocess.Popen[bytes]:
    """A node that has begun nothing yet: how long its interpreter takes to start is not what is tried here."""
    ready(name).unlink(missing_ok=True)
    node = subprocess.Popen(["ip", "netns", "exec", name, sys.executable, __file__, name], stdin=subprocess.PIPE)
    while not ready(name).exists():
        assert node.poll() is None, f"{name} has ended"
        time.sleep(0.01)
    return node


def begin(node: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    assert node.stdin is not None
    node.stdin.write(b"begin\n")
    node.stdin.flush()
    return node


def stop(node: subprocess.Popen[bytes]) -> None:
    node.kill()
    node.wait()
    assert node.stdin is not None
    node.stdin.close()


def macs() -> dict[bytes, str]:
    shown = {
        name: subprocess.run(
            ["ip", "netns", "exec", name, "cat", "/sys/class/net/eth0/address"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in NODES
    }
    return {bytes.fromhex(text.strip().replace(":", "")): name for name, text in shown.items()}


class Client:
    """Asks on the bridge, as a machine on the segment does."""

    def __init__(self) -> None:
        self.arp = ArpClient(BRIDGE)
        self.names = macs()

    def holders(self, address: str) -> set[str]:
        return {self.names[mac] for mac in self.arp.who_has(address)}

    def neighbour(self) -> str:
        """The node that the kernel takes for the neighbour with the address of IPv6; empty while it knows none."""
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking, suppress(OSError):
            asking.sendto(b"?", (IPV6, 9))
        words = subprocess.run(
            ["ip", "-6", "neigh", "show", IPV6, "dev", BRIDGE], check=True, capture_output=True, text=True
        ).stdout.split()
        if "lladdr" not in words:
            return ""
        return self.names[bytes.fromhex(words[words.index("lladdr") + 1].replace(":", ""))]

    def until_neighbour(self, within_s: float, but: str = "") -> str:
        began_s = time.monotonic()
        while time.monotonic() - began_s < within_s:
            if (found := self.neighbour()) not in ("", but):
                return found
            time.sleep(0.05)
        raise AssertionError(f"not within {within_s} s: {self.neighbour()}")

    def all(self) -> dict[str, set[str]]:
        return {address: self.holders(address) for address in ADDRESSES}

    def until_one_each(self, within_s: float, but: str = "") -> float:
        """How long it takes until exactly one node answers for each address, and not that one."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < within_s:
            found = self.all()
            if all(len(each) == 1 for each in found.values()) and {but} not in found.values():
                return time.monotonic() - began_s
        raise AssertionError(f"not within {within_s} s: {self.all()}")


def main() -> None:
    make()
    client = Client()
    running = {name: begin(prepare(name)) for name in NODES}
    try:
        print("first", client.until_one_each(WITHIN_S))
        before = client.all()
        (holder,) = before[ADDRESSES[0]]
        stop(running[holder])
        print("moved after", client.until_one_each(MOVED_WITHIN_S, but=holder))
        moved = client.all()
        assert all(moved[each] == before[each] for each in ADDRESSES if before[each] != {holder}), "others stay"
        running[holder] = begin(prepare(holder))
        time.sleep(4)
        assert client.all() == moved, "who comes back takes nothing from others"
        (heir,) = moved[ADDRESSES[0]]
        successor = prepare(heir)
        stop(running[heir])
        running[heir] = begin(successor)
        time.sleep(4)
        assert client.all() == moved, "a short restart moves nothing"
        first = client.until_neighbour(MOVED_WITHIN_S)
        stop(running[first])
        # The kernel would go on with what it knows: only an announcement tells it of another.
        assert client.until_neighbour(MOVED_WITHIN_S, but=first) != first
    finally:
        for process in running.values():
            stop(process)
    assert all(not each for each in client.all().values()), "nobody answers once all have ended"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        node(sys.argv[1])
    else:
        main()
