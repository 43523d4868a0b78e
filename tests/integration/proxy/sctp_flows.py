"""Run in a network namespace of its own: an SCTP client of a Service whose endpoint is replaced."""

import sys
import threading
import zlib

import uvloop
from podlab_testing import sctp_packets
from podlab_testing.proxying import CLUSTER_IP, PORT, TARGET_PORT, Proxied, backend_of, run

OLD, NEW = "127.0.0.11", "127.0.0.12"


def tag(name: str) -> str:
    return str(zlib.crc32(name.encode()))


async def main(backend: str) -> None:
    for address in (OLD, NEW):
        threading.Thread(target=sctp_packets.serve, args=(TARGET_PORT, address, address), daemon=True).start()
    service = Proxied(backend_of(backend), "SCTP")
    await service.lead_to(OLD)
    assert sctp_packets.ask(CLUSTER_IP, PORT) == tag(OLD), "INIT ACK comes back from the Service's own address"
    assert await service.lead_to(OLD, NEW) == 0, "an association with a present endpoint stays"
    assert sctp_packets.ask(CLUSTER_IP, PORT) == tag(OLD)
    assert await service.lead_to(NEW) == 1
    assert sctp_packets.ask(CLUSTER_IP, PORT) == tag(NEW)


run("ip", "link", "set", "lo", "up")
uvloop.run(main(sys.argv[1]))
