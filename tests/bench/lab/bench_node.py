"""What a node does in which time, on the deployed lab, beside what its container runtime alone needs.

Method: on the first node, sandbox, container and start are asked of containerd directly (the floor), in turn with pods
that are created over gRPC and seen Running by one watch: both meet the same load. Then BURST pods at once on all nodes,
as many as there is room for on the first node, and with IDLE of them there: memory (PSS), processor time, a killed
container, and a kubelet that is restarted. Each line names its aim. The lab is the one that PODLAB_CLUSTER names.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import statistics
import time
import urllib.request

from podlab import ports
from podlab.client.client import Client
from podlab.client.config import load_client_config
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Container, Pod, PodSpec
from podlab.lab.lab import Lab
from podlab.meta.v1.meta_pb2 import ObjectMeta

IMAGE = "podlab.local/hello:1.0"
ROUNDS = 20
BURST = 20
IDLE = 100
CAPACITY = 110
LIMIT_S = 180.0
CALM_S = 20.0
NODE = "n1"
AGENTS = ("podlab-kubelet", "podlab-proxy")
PYTHON = "/opt/podlab/venv/bin/python"
# One round: prints how many seconds a sandbox, its container and the start of it took. The kubelet knows nothing of it.
FLOOR = """
import asyncio, sys, time
from node.kubelet.cri.containerd import Containerd
from podlab.foreign.cri.v1 import api_pb2 as cri

async def main():
    runtime = Containerd("unix:///run/containerd/containerd.sock")
    await runtime.version()
    for line in sys.stdin:
        name = line.strip()
        sandbox = cri.PodSandboxConfig(metadata=cri.PodSandboxMetadata(name=name, uid=name, namespace="floor"))
        sandbox.log_directory = "/var/log/pods/floor_" + name
        config = cri.ContainerConfig(
            metadata=cri.ContainerMetadata(name="web"), image=cri.ImageSpec(image=sys.argv[1]), log_path="web.log"
        )
        began = time.perf_counter()
        made = await runtime.run_sandbox(sandbox, "")
        await runtime.start_container(await runtime.create_container(made, config, sandbox))
        print(time.perf_counter() - began, flush=True)
        await runtime.stop_sandbox(made)
        await runtime.remove_sandbox(made)
    await runtime.close()

asyncio.run(main())
"""


def pod(namespace: str, name: str, node: str = "") -> Pod:
    container = Container(name="web", image=IMAGE)
    spec = PodSpec(containers=[container], terminationGracePeriodSeconds=1)
    if node:
        spec.nodeSelector["kubernetes.io/hostname"] = node
    return Pod(metadata=ObjectMeta(name=name, namespace=namespace), spec=spec)


class Arrivals:
    """When pods of a namespace were first seen Running, or anew, by one watch that outlives all rounds."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._awaited: dict[str, tuple[int, asyncio.Future[float]]] = {}

    def expect(self, name: str, restarts: int = 0) -> asyncio.Future[float]:
        """The time, in seconds since 1970, at which its container runs that was started again so often."""
        self._awaited[name] = restarts, asyncio.get_running_loop().create_future()
        return self._awaited[name][1]

    async def follow(self) -> None:
        async for batch in self._client.watch(Pod, "", self._namespace):
            for event in batch:
                if event.object is not None:
                    self._look(event.object)

    def _look(self, found: Pod) -> None:
        restarts, seen = self._awaited.get(found.metadata.name, (0, None))
        if seen is None or seen.done() or found.status.phase != "Running":
            return
        if all(
            each.restartCount >= restarts and each.state.HasField("running") for each in found.status.containerStatuses
        ):
            seen.set_result(time.time())


class Bench:
    """The lab, and a namespace of the bench's own."""

    def __init__(self, lab: Lab, client: Client, namespace: str) -> None:
        self.lab, self.client, self.namespace = lab, client, namespace
        self.arrivals = Arrivals(client, namespace)

    async def on_node(self, script: str) -> str:
        done = await asyncio.to_thread(self.lab.run, NODE, ["sh", "-ec", script], timeout_s=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def start(self, name: str, node: str = "") -> float:
        """Seconds from create to Running."""
        running = self.arrivals.expect(name)
        began = time.time()
        await self.client.create(pod(self.namespace, name, node))
        return await asyncio.wait_for(running, LIMIT_S) - began

    async def remove(self, names: list[str]) -> None:
        await asyncio.gather(*(self.client.delete(Pod, name, self.namespace, grace_period_s=1) for name in names))
        while set(names) & await self._names():  # noqa: ASYNC110 - somebody else's loop
            await asyncio.sleep(0.2)

    async def _names(self) -> set[str]:
        return {each.metadata.name for each in (await self.client.list(Pod, self.namespace)).items}

    async def start_and_floor(self) -> None:
        """In turn: one pod, then one round of the runtime alone."""
        script = f"{PYTHON} -c '{FLOOR}' {IMAGE}"
        pods: list[float] = []
        floors: list[float] = []
        for number in range(ROUNDS):
            pods.append(await self.start(f"one-{number}", NODE))
            await self.remove([f"one-{number}"])
            floors.append(float(await self.on_node(f"echo floor-{number} | {script}")))
        await self.on_node("rm -rf /var/log/pods/floor_*")
        ours, floor = statistics.median(pods), statistics.median(floors)
        print(
            f"create to Running, p50 of {ROUNDS}: {ours:.3f} s; "
            f"runtime alone {floor:.3f} s: {ours / floor:.2f} x (aim 1.2 x)"
        )

    async def at_once(self) -> None:
        names = [f"burst-{number}" for number in range(BURST)]
        began = time.perf_counter()
        await asyncio.gather(*(self.start(name) for name in names))
        print(f"{BURST} pods at once, all nodes: {time.perf_counter() - began:.2f} s (aim 1.7 s)")
        await self.remove(names)

    async def full_node(self) -> list[str]:
        """As many pods as there is room for; their names."""
        there = sum(each.spec.nodeName == NODE for each in (await self.client.list(Pod)).items)
        names = [f"full-{number}" for number in range(CAPACITY - there)]
        began = time.perf_counter()
        await asyncio.gather(*(self.start(name, NODE) for name in names))
        took_s = time.perf_counter() - began
        print(f"{len(names)} pods on one node, which has {CAPACITY} then: {took_s:.2f} s (aim 15 s)")
        return names

    async def killed(self, name: str) -> None:
        """From the signal to the watch's event that shows the next run."""
        found = await self.client.get(Pod, name, self.namespace)
        container = found.status.containerStatuses[0].containerID.removeprefix("containerd://")
        again = self.arrivals.expect(name, restarts=1)
        find = f"ctr -n k8s.io task ls | awk '$1 == \"{container}\" {{print $2}}'"
        killed_at = float(await self.on_node(f"pid=$({find}); date +%s.%N; kill -KILL $pid"))
        seen = await asyncio.wait_for(again, LIMIT_S)
        print(f"killed container replaced: {seen - killed_at:.2f} s (aim 0.5 s)")

    async def idle(self, count: int) -> None:
        """Memory and processor time of the agents while nothing happens."""
        ticks = "cat /proc/$pid/stat | cut -d' ' -f14,15"
        script = "\n".join(
            f"pid=$(systemctl show -p MainPID --value {unit}); {ticks}; grep ^Pss: /proc/$pid/smaps_rollup"
            for unit in AGENTS
        )
        before, _ = _read(await self.on_node(script))
        began = time.monotonic()
        await asyncio.sleep(CALM_S)
        after, kib = _read(await self.on_node(script))
        busy_s = (after - before) / os.sysconf("SC_CLK_TCK")
        share = 100 * busy_s / (time.monotonic() - began)
        parts = " + ".join(f"{each / 1024:.0f}" for each in kib)
        print(
            f"kubelet and proxy with {count} idle pods: {parts} = {sum(kib) / 1024:.0f} MiB (aim 100), "
            f"{share:.1f} % of a core (aim 2)"
        )

    async def restarted(self, names: list[str]) -> None:
        before = await self._runs()
        began = time.perf_counter()
        await self.on_node("systemctl restart podlab-kubelet")
        await asyncio.to_thread(self._until_healthy)
        took_s = time.perf_counter() - began
        await asyncio.sleep(10)
        again = len(before - await self._runs())
        print(
            f"kubelet restarted with {len(names)} pods: ready after {took_s:.2f} s (aim 3 s), "
            f"{again} containers anew (aim 0)"
        )

    def _until_healthy(self) -> None:
        """Until the kubelet says, by the API server's mouth, that it knows its pods."""
        config = load_client_config()
        context = ssl.create_default_context(cafile=config.tls.ca)
        context.load_cert_chain(config.tls.cert, config.tls.key)
        host = config.server.split(",")[0].rpartition(":")[0]
        url = f"https://{host}:{ports.REST}/api/v1/nodes/{NODE}/proxy/healthz"
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(url, context=context, timeout=5):
                    return
            except OSError:
                time.sleep(0.02)
        raise TimeoutError(f"{url} does not answer")

    async def _runs(self) -> set[str]:
        found = (await self.client.list(Pod, self.namespace)).items
        return {each.containerID for one in found for each in one.status.containerStatuses}


def _read(text: str) -> tuple[int, list[int]]:
    """The ticks of all agents, and the KiB of each."""
    ticks, kib = 0, list[int]()
    for line in text.splitlines():
        words = line.split()
        if words[0] == "Pss:":
            kib.append(int(words[1]))
        else:
            ticks += sum(map(int, words))
    return ticks, kib


async def measure(bench: Bench) -> None:
    await bench.start_and_floor()
    await bench.at_once()
    names = await bench.full_node()
    await bench.killed(names[0])
    await bench.remove(names[IDLE:])
    await asyncio.sleep(CALM_S)
    await bench.idle(len(names[:IDLE]))
    await bench.restarted(names[:IDLE])
    await bench.remove(names[:IDLE])


async def main() -> None:
    config = load_client_config()
    namespace = f"bench-{secrets.token_hex(3)}"
    print(f"load average of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    async with Client(config.server, config.tls) as client:
        await client.create(Namespace(metadata=ObjectMeta(name=namespace)))
        bench = Bench(Lab(os.environ.get("PODLAB_CLUSTER", "lab")), client, namespace)
        following = asyncio.create_task(bench.arrivals.follow())
        try:
            await measure(bench)
        finally:
            following.cancel()
            await client.delete(Namespace, namespace)


if __name__ == "__main__":
    asyncio.run(main())
