"""How long a new Service takes until a pod of it answers on another node of the deployed lab.

Method: a pod runs on n1. n2 begins a connection to an address every 5 ms; then a Service with that address is created
over gRPC. Time runs from just before the create call until one of n2's connections stands; all hosts share one clock.
The lab is the one that PODLAB_CLUSTER names.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import statistics
import time

from podlab.client.client import Client
from podlab.client.config import load_client_config
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Container, Pod, PodSpec
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.lab.lab import Lab
from podlab.meta.v1.meta_pb2 import IntOrString, ObjectMeta

ROUNDS = 10
LIMIT_S = 60.0
LABELS = {"app": "web"}
KNOCK = """
import select, socket, sys, time
waiting, ends = [], time.time() + 30
while time.time() < ends:
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex((sys.argv[1], 80))
    waiting.append(one)
    for one in select.select([], waiting[-200:], [], 0.005)[1]:
        waiting.remove(one)
        # A gateway may answer for every address: the pod is known by what it says.
        try:
            one.settimeout(0.1)
            one.send(b"GET / HTTP/1.0\\r\\n\\r\\n")
            said = one.recv(1000)
        except OSError:
            continue
        if b"hello from web" in said:
            sys.exit(print(time.time()))
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


async def answered(client: Client, lab: Lab, namespace: str, number: int) -> float:
    """Seconds from create to the first connection from n2."""
    address, name = f"10.96.0.{200 + number}", f"s{number}"
    knocking = asyncio.create_task(asyncio.to_thread(lab.run, "n2", ["python3", "-c", KNOCK, address]))
    await asyncio.sleep(1)  # until n2 knocks
    port = ServicePort(port=80, targetPort=IntOrString(type=0, intVal=8080))
    spec = ServiceSpec(clusterIP=address, selector=LABELS, ports=[port])
    began = time.time()
    await client.create(Service(metadata=ObjectMeta(name=name, namespace=namespace), spec=spec))
    said = (await asyncio.wait_for(knocking, LIMIT_S)).stdout.split()
    await client.delete(Service, name, namespace)
    return float(said[-1]) - began


async def main() -> None:
    cluster = os.environ.get("PODLAB_CLUSTER", "lab")
    config, lab, namespace = load_client_config(cluster), Lab(cluster), f"bench-{secrets.token_hex(3)}"
    async with Client(config.server, config.tls, user_agent="bench") as client:
        await client.create(Namespace(metadata=ObjectMeta(name=namespace)))
        try:
            await running(client, namespace)
            took = [await answered(client, lab, namespace, number) for number in range(ROUNDS)]
        finally:
            await client.delete(Namespace, namespace)
    middle, most = (round(each * 1000) for each in (statistics.median(took), max(took)))
    what = "from creating a Service to the first answer on another node"
    print(f"proxy, lab: {what}: {middle} ms (median of {ROUNDS}; at most {most} ms)")


if __name__ == "__main__":
    asyncio.run(main())
