"""Traffic between pods of lab nodes, sent and received by the hosts' Python inside the pods' network namespaces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from podlab.lab.lab import Lab

MEGABYTE = 1 << 20
_WITHIN_S = 40

# Finds the namespace that has the address in $1, and runs Python there with the program in $2 and what follows.
_ENTER = """
address=$1; program=$2; shift 2
for namespace in /run/netns/*; do
    if nsenter --net="$namespace" ip -o address | grep -q " $address/"; then
        exec nsenter --net="$namespace" python3 -c "$program" "$address" "$@"
    fi
done
echo "no pod here has $address" >&2; exit 1
"""
# Both: a megabyte over TCP, then a datagram that fills a packet and must not be taken apart, there and back.
_SERVER = """
import socket, sys
tcp = socket.create_server((sys.argv[1], 7007)); tcp.settimeout(20)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind((sys.argv[1], 7007)); udp.settimeout(20)
udp.setsockopt(socket.IPPROTO_IP, 10, 2)
print("listening", flush=True)
link, _ = tcp.accept(); link.settimeout(20)
received = 0
while chunk := link.recv(65536):
    received += len(chunk)
link.sendall(str(received).encode()); link.close()
content, sender = udp.recvfrom(65536)
udp.sendto(content, sender)
"""
_CLIENT = """
import fcntl, socket, struct, sys, time
address, size = sys.argv[2], int(sys.argv[3])
until = time.monotonic() + 15
while True:
    try:
        link = socket.create_connection((address, 7007), timeout=10)
        break
    except ConnectionRefusedError:
        if time.monotonic() > until: raise
        time.sleep(0.1)
link.sendall(bytes(size)); link.shutdown(socket.SHUT_WR)
counted = link.makefile().read()
mtu = struct.unpack(
    "16si", fcntl.ioctl(link, 0x8921, struct.pack("16si", b"eth0", 0)))[1]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.settimeout(5); udp.connect((address, 7007))
udp.setsockopt(socket.IPPROTO_IP, 10, 2)
udp.send(bytes(mtu - 28))
print(counted, mtu, len(udp.recv(65536)) + 28)
"""


@dataclass(frozen=True)
class Passed:
    """Bytes that arrived over TCP; the MTU at the sender's door; the length of the packet that came back."""

    tcp: int
    mtu: int
    packet: int


def between(lab: Lab, source: tuple[str, str], target: tuple[str, str]) -> Passed:
    """Both are (node, pod's address). Fails with what either side says."""
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(_inside, lab, *target, _SERVER)
        counted, mtu, packet = _inside(lab, *source, _CLIENT, target[1], str(MEGABYTE)).split()
        listening.result()
    return Passed(int(counted), int(mtu), int(packet))


def _inside(lab: Lab, node: str, address: str, program: str, *arguments: str) -> str:
    done = lab.run(node, ["sh", "-c", _ENTER, "enter", address, program, *arguments], timeout_s=_WITHIN_S)
    assert done.returncode == 0, f"{address} on {node}: {done.stdout}{done.stderr}"
    return done.stdout
