"""Pods on two segments reach each other at once, and so do hosts and pods: the longest packets, and a megabyte."""

from __future__ import annotations

import socket
import threading

from podlab_testing.segments import NODES, Segments, at, pod, within

from node.network.ways import Overlay

MEGABYTE = 1 << 20
# linux/in.h, linux/in6.h
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, ALWAYS_WHOLE = 10, 23, 2


def echoes(place: str, target: str, version: int = 4, mtu: int = 1450) -> None:
    """A datagram that fills a packet of `mtu` bytes goes there and comes back; nobody on the way may take it apart."""
    family, headers = (socket.AF_INET, 28) if version == 4 else (socket.AF_INET6, 48)
    server, client = (within(each, lambda: whole_datagrams(family)) for each in (f"pod-{target}", place))
    with server, client:
        server.bind(("", 5000))
        client.connect((pod(target, version), 5000))
        client.send(bytes(mtu - headers))
        received, sender = server.recvfrom(mtu)
        server.sendto(received, sender)
        assert len(client.recv(mtu)) == mtu - headers


def whole_datagrams(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.settimeout(3)
    if family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, ALWAYS_WHOLE)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, ALWAYS_WHOLE)
    return made


def all_pods_meet() -> None:
    for name in NODES:
        for other in NODES:
            if other != name:
                echoes(f"pod-{name}", other)
                echoes(f"pod-{name}", other, 6)


def a_megabyte_passes(source: str, target: str) -> None:
    listener = within(target, lambda: socket.create_server(("", 8080)))
    received = bytearray()

    def receive() -> None:
        link, _ = listener.accept()
        with link:
            while chunk := link.recv(65536):
                received.extend(chunk)

    receiver = threading.Thread(target=receive)
    receiver.start()
    address = pod(target.removeprefix("pod-"))
    with within(source, lambda: socket.create_connection((address, 8080), timeout=10)) as link:
        link.sendall(bytes(MEGABYTE))
    receiver.join(20)
    listener.close()
    assert len(received) == MEGABYTE, f"{len(received)} bytes of a megabyte from {source} to {target}"


def gateway(place: str, address: str) -> str:
    return at(place, "ip", "-o", "route", "get", address)


def main() -> None:
    segments = Segments()
    mtus = {segments.connect(name) for name in NODES}
    assert mtus == {1450}, mtus
    segments.give_pods(1450)
    assert "via 192.0.2.2 dev eth0" in gateway("n1", pod("n2"))
    assert "dev podlab-vxlan src 10.244.1.0" in gateway("n1", pod("n3"))
    assert "via 2001:db8:a::2 dev eth0" in gateway("n1", pod("n2", 6))
    assert "dev podlab-vxlan" in gateway("n1", pod("n3", 6))
    all_pods_meet()
    echoes("n1", "n3")  # from the host itself
    echoes("n3", "n1", 6)
    a_megabyte_passes("pod-n1", "pod-n3")
    a_megabyte_passes("pod-n3", "pod-n2")

    assert {segments.connect(name, Overlay.ALWAYS) for name in NODES} == {1450}
    assert "dev podlab-vxlan" in gateway("n1", pod("n2"))
    all_pods_meet()
    a_megabyte_passes("pod-n1", "pod-n2")

    assert {segments.connect(name, Overlay.NEVER) for name in NODES} == {1500}
    assert "podlab-vxlan" not in at("n1", "ip", "link")
    echoes("pod-n1", "n2")
    assert segments.problems("n1") == {
        "node n3 (198.51.100.3) is on another network segment, and podlab_network_overlay is never"
    }


if __name__ == "__main__":
    main()
