"""Pods that run get the MTU that pods have now. Runs in a network namespace of its own, as a node with its pods."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from podlab_testing.segments import at, run, within

from node.network import doors

BRIDGE, PORT = "podlab0", 7007
EARLY, LATE, FOREIGN = "early", "late", "foreign"
ADDRESSES = {EARLY: "10.244.1.5", LATE: "10.244.1.6", FOREIGN: "10.244.1.7"}
HEADERS = 28  # of IPv4 and UDP


def give_pod(name: str, mtu: int) -> None:
    """As the CNI plugins connect one."""
    run("ip", "netns", "add", name)
    run(*f"ip link add door-{name} mtu {mtu} type veth peer eth0 mtu {mtu} netns {name}".split())
    run(*f"ip link set door-{name} master {BRIDGE} up".split())
    at(name, "ip", "link", "set", "eth0", "up")
    at(name, *f"ip address add {ADDRESSES[name]}/24 dev eth0".split())


def mtus(name: str) -> set[str]:
    """Of both ends of the pod's link."""
    shown = run("ip", "-o", "link", "show", f"door-{name}") + at(name, "ip", "-o", "link", "show", "eth0")
    return {line.split(" mtu ")[1].split()[0] for line in shown.splitlines()}


def arrives(size: int) -> bool:
    """Whether a datagram that makes an IP packet of so many bytes gets from the early pod to the late one."""

    def bound(name: str) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((ADDRESSES[name], 0))
        made.settimeout(1)
        return made

    with within(LATE, lambda: bound(LATE)) as taking, within(EARLY, lambda: bound(EARLY)) as sending:
        sending.sendto(bytes(size - HEADERS), taking.getsockname())
        try:
            return len(taking.recv(65535)) == size - HEADERS
        except TimeoutError:
            return False


def keep(mtu: int) -> int:
    return asyncio.run(doors.keep(BRIDGE, mtu))


def main() -> None:
    assert keep(1450) == 0, "there is no bridge yet"
    run("mount", "-t", "tmpfs", "tmpfs", "/run")  # where namespaces get their names
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "link", "set", BRIDGE, "up")
    give_pod(EARLY, 1500)
    give_pod(LATE, 1450)
    assert arrives(1450)
    assert not arrives(1500), "a bridge drops what the other pod cannot take, and says nothing"
    assert keep(1450) == 1
    assert (mtus(EARLY), mtus(LATE)) == ({"1450"}, {"1450"})
    assert arrives(1500), "the pod sends it in two"
    assert keep(1450) == 0
    assert keep(1500) == 2, "back again"
    assert arrives(1500)

    give_pod(FOREIGN, 1400)
    with Path(f"/run/netns/{FOREIGN}").open():  # holds it
        run("umount", "--lazy", f"/run/netns/{FOREIGN}")
        assert keep(1500) == 0, "what leads to no pod is left as it is"
        assert "mtu 1400" in run("ip", "link", "show", f"door-{FOREIGN}")


if __name__ == "__main__":
    main()
