"""How long a pod takes from create to Running on the deployed lab, with the image present.

Method: pods of one container (demo image, no probes) are created over gRPC one after another, each deleted before the
next; time runs from just before the create call to the watch event that shows phase Running. Then BURST pods at once:
time until the last is Running. The lab is the one that PODLAB_CLUSTER names.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time

from podlab.client.client import Client
from podlab.client.config import load_client_config
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Container, Pod, PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

ROUNDS = 40
BURST = 20
LIMIT_S = 60.0


class Arrivals:
    """When each pod of a namespace was first seen Running, by one watch that outlives all rounds."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._running: dict[str, asyncio.Future[float]] = {}

    def expect(self, name: str) -> asyncio.Future[float]:
        self._running[name] = asyncio.get_running_loop().create_future()
        return self._running[name]

    async def follow(self) -> None:
        async for batch in self._client.watch(Pod, "", self._namespace):
            for event in batch:
                if event.object is None or event.object.status.phase != "Running":
                    continue
                seen = self._running.get(event.object.metadata.name)
                if seen is not None and not seen.done():
                    seen.set_result(time.perf_counter())


def pod(namespace: str, name: str) -> Pod:
    container = Container(name="web", image="podlab.local/hello:1.0")
    spec = PodSpec(containers=[container], terminationGracePeriodSeconds=1)
    return Pod(metadata=ObjectMeta(name=name, namespace=namespace), spec=spec)


async def start(client: Client, arrivals: Arrivals, namespace: str, name: str) -> float:
    """Seconds from create to Running."""
    running = arrivals.expect(name)
    began = time.perf_counter()
    await client.create(pod(namespace, name))
    return await asyncio.wait_for(running, LIMIT_S) - began


async def measure(client: Client, arrivals: Arrivals, namespace: str) -> None:
    seconds: list[float] = []
    for number in range(ROUNDS):
        seconds.append(await start(client, arrivals, namespace, f"one-{number}"))
        await client.delete(Pod, f"one-{number}", namespace, grace_period_s=1)
        await asyncio.sleep(0.5)
    seconds.sort()
    p99 = seconds[min(len(seconds) - 1, round(0.99 * len(seconds)))]
    print(f"pod create to Running, {ROUNDS} one after another: p50 {statistics.median(seconds):.2f} s, p99 {p99:.2f} s")
    began = time.perf_counter()
    await asyncio.gather(*(start(client, arrivals, namespace, f"burst-{number}") for number in range(BURST)))
    print(f"{BURST} pods at once, create to the last Running: {time.perf_counter() - began:.2f} s")


async def main() -> None:
    config = load_client_config()
    namespace = f"bench-{secrets.token_hex(3)}"
    async with Client(config.server, config.tls) as client:
        await client.create(Namespace(metadata=ObjectMeta(name=namespace)))
        try:
            arrivals = Arrivals(client, namespace)
            following = asyncio.create_task(arrivals.follow())
            await measure(client, arrivals, namespace)
            following.cancel()
        finally:
            await client.delete(Namespace, namespace)


if __name__ == "__main__":
    asyncio.run(main())
