"""How long a new Service takes until a pod of it answers on another node of the deployed lab.

`python tests/bench/lab/bench_services.py [nft] [legacy] [nftables]`: with these backends of n2's proxy, each set for as
long as it is measured; without any, with the one that n2 has.

Method: a pod runs on n1. n2 begins a connection to the next address every 5 ms; Services with these addresses are
created over gRPC, one each PERIOD_S. Time runs from just before each create call until one of n2's connections to it is
answered by the pod; all hosts share one clock. Until then its packets end on n2's loopback. The lab is the one that
PODLAB_CLUSTER names.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence

from podlab.client.client import Client
from podlab.client.config import load_client_config
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Container, Pod, PodSpec
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.lab.lab import Lab
from podlab.meta.v1.meta_pb2 import IntOrString, ObjectMeta

SERVICES = 200
PERIOD_S = 0.25
LIMIT_S = 60.0
AIM_MS = 100
NETWORK = "10.96.200.0/24"
BACKENDS = ("nft", "legacy", "nftables")
LABELS = {"app": "web"}
# Two addresses are knocked at, so that one that is late does not delay the next.
KNOCK = """
import select, socket, sys, time
addresses, waiting, ends = sys.argv[1:], [], time.time() + 150
while addresses and time.time() < ends:
    for address in addresses[:2]:
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((address, 80))
        waiting.append((one, address))
    del waiting[:-400]
    known = {one.fileno(): (one, address) for one, address in waiting}
    poll = select.poll()
    for number in known:
        poll.register(number, select.POLLOUT)
    for number, _ in poll.poll(5):
        one, address = known[number]
        waiting.remove((one, address))
        try:
            one.settimeout(0.1)
            one.send(b"GET / HTTP/1.0\\r\\n\\r\\n")
            said = one.recv(1000)
        except OSError:
            continue
        if b"hello from web" in said and address in addresses:
            print(address, time.time(), flush=True)
            addresses.remove(address)
"""


async def running(client: Client, namespace: str) -> None:
    """A pod of the Services runs on n1."""
    container = Container(name="web", image="podlab.local/hello:1.0")
    spec = PodSpec(containers=[container], nodeName="n1", terminationGracePeriodSeconds=1)
    await client.create(Pod(metadata=ObjectMeta(name="web", namespace=namespace, labels=LABELS), spec=spec))
    async with asyncio.timeout(LIMIT_S):
        async for batch in client.watch(Pod, "", namespace):
            found = [each.object for each in batch if each.object is not None]
            if any(each.type == "Ready" and each.status == "True" for pod in found for each in pod.status.conditions):
                return


@contextlib.asynccontextmanager
async def namespace_of(client: Client) -> AsyncIterator[str]:
    """With the pod; it goes with all that is made in it."""
    name = f"bench-{secrets.token_hex(3)}"
    await client.create(Namespace(metadata=ObjectMeta(name=name)))
    try:
        await running(client, name)
        yield name
    finally:
        await client.delete(Namespace, name)


async def answered_ms(client: Client, lab: Lab, namespace: str) -> list[float]:
    """From each create to the first answer on n2."""
    addresses = [f"10.96.200.{1 + number}" for number in range(SERVICES)]
    words = ["python3", "-c", KNOCK, *addresses]
    knocking = asyncio.create_task(asyncio.to_thread(lab.run, "n2", words, timeout_s=180))
    await asyncio.sleep(2)  # until n2 knocks
    port = ServicePort(port=80, targetPort=IntOrString(type=0, intVal=8080))
    began_s: dict[str, float] = {}
    for number, address in enumerate(addresses):
        spec = ServiceSpec(clusterIP=address, selector=LABELS, ports=[port])
        began_s[address] = time.time()
        await client.create(Service(metadata=ObjectMeta(name=f"s{number}", namespace=namespace), spec=spec))
        await asyncio.sleep(PERIOD_S)
    said = (await knocking).stdout.splitlines()
    answers_s = {address: float(at) for address, at in map(str.split, said)}
    assert len(answers_s) == SERVICES, f"only {len(answers_s)} of {SERVICES} Services answered"
    return sorted((answers_s[address] - began_s[address]) * 1000 for address in addresses)


@contextlib.contextmanager
def kept_in(lab: Lab) -> Iterator[None]:
    """What no Service takes does not leave n2."""
    own = next(host.address for host in lab.spec().hosts if host.name == "n2")
    _run(lab, f"ip route replace {NETWORK} dev lo src {own}")
    try:
        yield
    finally:
        _run(lab, f"ip route delete {NETWORK}")


@contextlib.contextmanager
def backend(lab: Lab, name: str) -> Iterator[str]:
    """n2's proxy uses it for as long as the block; without a name it stays as it is. What it is called."""
    settings = lab.run("n2", ["cat", "/etc/podlab/proxy.yaml"]).stdout
    before = next(line.split()[1] for line in settings.splitlines() if line.startswith("backend:"))
    if not name:
        yield before
        return
    try:
        _use(lab, name)
        yield name
    finally:
        _use(lab, before)


def _use(lab: Lab, name: str) -> None:
    _run(lab, f"sed -i 's/^backend:.*/backend: {name}/' /etc/podlab/proxy.yaml && systemctl restart podlab-proxy")


def _run(lab: Lab, command: str) -> None:
    done = lab.run("n2", ["sh", "-c", command], timeout_s=60)
    assert done.returncode == 0, done.stderr


async def main(backends: Sequence[str]) -> None:
    config = load_client_config()
    lab = Lab(os.environ.get("PODLAB_CLUSTER", "lab"))
    async with Client(config.server, config.tls) as client:
        for each in backends:
            with kept_in(lab), backend(lab, each) as name:
                async with namespace_of(client) as namespace:
                    took_ms = await answered_ms(client, lab, namespace)
            p50, p99 = (took_ms[int(len(took_ms) * share)] for share in (0.5, 0.99))
            what = f"proxy, lab, {name}: from creating a Service to the first answer on another node"
            print(f"{what}: p50 {p50:.0f} ms, p99 {p99:.0f} ms of {SERVICES} (aim p99 {AIM_MS} ms)", flush=True)


if __name__ == "__main__":
    unknown = [each for each in sys.argv[1:] if each not in BACKENDS]
    if unknown:
        sys.exit(f"{unknown[0]}: no backend of the proxy: use {', '.join(BACKENDS)}")
    asyncio.run(main(sys.argv[1:] or [""]))
