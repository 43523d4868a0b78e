"""Run in a network namespace of its own: rules of an earlier release give way without a gap."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop
from podlab_testing.proxying import CLUSTER_IP, PORT, Proxied, answers, backend_of, listening, run
from podlab_testing.waiting import until

# As an earlier release wrote them for the same Service: a list of all, and a chain for each endpoint.
EARLIER = f"""\
*nat
:PODLAB-SEP-CDEFGHIJKLMNOPQR - [0:0]
:PODLAB-SMARK - [0:0]
:PODLAB-SNAT - [0:0]
:PODLAB-SNODEPORT - [0:0]
:PODLAB-SVC - [0:0]
:PODLAB-SVC-ABCDEFGHIJKLMNOP - [0:0]
-A PODLAB-SEP-CDEFGHIJKLMNOPQR -s 127.0.0.11/32 -m comment --comment "default/web:a" -j PODLAB-SMARK
-A PODLAB-SEP-CDEFGHIJKLMNOPQR -p tcp -m comment --comment "default/web:a" -j DNAT --to-destination 127.0.0.11:9000
-A PODLAB-SMARK -j MARK --set-xmark 0x4000/0x4000
-A PODLAB-SNAT -m mark ! --mark 0x4000/0x4000 -j RETURN
-A PODLAB-SNAT -j MARK --set-xmark 0x4000/0x0
-A PODLAB-SNAT -j MASQUERADE --random-fully
-A PODLAB-SVC -d {CLUSTER_IP}/32 -p tcp -m tcp --dport {PORT} -j PODLAB-SVC-ABCDEFGHIJKLMNOP
-A PODLAB-SVC ! -d 127.0.0.0/8 -m comment --comment "node ports" -m addrtype --dst-type LOCAL -j PODLAB-SNODEPORT
-A PODLAB-SVC-ABCDEFGHIJKLMNOP -m comment --comment "127.0.0.11:9000" -j PODLAB-SEP-CDEFGHIJKLMNOPQR
-I PREROUTING 1 -m comment --comment "podlab services" -j PODLAB-SVC
-I OUTPUT 1 -m comment --comment "podlab services" -j PODLAB-SVC
-I POSTROUTING 1 -m comment --comment "podlab masquerade" -j PODLAB-SNAT
COMMIT
"""


@contextmanager
def always_connecting() -> Iterator[list[bool]]:
    """Connects again and again meanwhile; what came of it is in the list."""
    found: list[bool] = []
    over = threading.Event()

    def connect() -> None:
        while not over.is_set():
            found.append(answers())

    thread = threading.Thread(target=connect)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


async def main(backend: str) -> None:
    run(f"iptables-{backend}-restore", "--noflush", stdin=EARLIER)
    service = Proxied(backend_of(backend))
    with listening("127.0.0.11"), always_connecting() as found:
        await until(lambda: len(found) >= 10, "connections before")
        await service.lead_to("127.0.0.11")
        so_far = len(found)
        await until(lambda: len(found) >= so_far + 10, "connections after")
    assert all(found), "a connection was refused meanwhile"
    saved = run(f"iptables-{backend}-save", "-t", "nat")
    assert "PODLAB-SMARK" not in saved
    assert "ABCDEFGH" not in saved
    assert saved.count("-j PODLAB-SVC\n") == 2


run("ip", "link", "set", "lo", "up")
uvloop.run(main(sys.argv[1]))
