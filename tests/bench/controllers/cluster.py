"""API server, scheduler and controllers, each a process of its own, on nodes whose kubelets are this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import psutil
import shapes
from apiserver import started, tell
from kubelets import Kubelets
from processes import Stopwatch, cpu_s, running
from writing import each

from podlab.client.client import Client
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.meta.v1.meta_pb2 import ObjectMeta

NODES = 1000
# Of the nodes nobody is heard, and that is all right.
_SETTINGS = {"pod_cidr": "10.0.0.0/8", "node_monitor_grace_s": 3600}


@dataclass(frozen=True)
class Cluster:
    """What is measured, and a client of it."""

    client: Client
    processes: dict[str, psutil.Process]

    @contextmanager
    def measured(self, what: str, count: int, unit: str) -> Iterator[None]:
        """Tell how long the block takes, and what API server and controllers pay for each of `count` things."""
        before = {name: cpu_s(process) for name, process in self.processes.items()}
        watch = Stopwatch()
        yield
        tell(what, watch.s(), "s", 1)
        for name, process in self.processes.items():
            tell(f"  CPU of the {name}", (cpu_s(process) - before[name]) / count * 1e6, f"us a {unit}")

    async def namespace(self, name: str) -> str:
        """A namespace of that name, made."""
        await self.client.create(Namespace(metadata=ObjectMeta(name=name)))
        return name

    def tell_memory(self) -> None:
        """Proportional set size: what the machine really spends on each."""
        for name, process in self.processes.items():
            tell(f"memory of the {name} after all that", process.memory_full_info().pss / (1 << 20), "MiB")


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """Runs as long as the block does."""
    async with started() as server, AsyncExitStack() as stack:
        client = await server.connect()
        await each(range(NODES), lambda number: shapes.add(client, shapes.node(number)))
        await stack.enter_async_context(Kubelets(await server.connect()).running())
        await stack.enter_async_context(running("scheduler", server, {}))
        controllers = await stack.enter_async_context(running("controllers", server, _SETTINGS))
        yield Cluster(client, {"apiserver": server.process, "controllers": controllers.process})
