"""An API server to measure: a process of its own on a fresh store, and clients of it in this process.

Both share the machine's processors, load generator included. Durable means as in production: a write is answered once
it is on disk. TLS, client certificates, authorization, defaults, validation and the audit log are on.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import aiohttp
import psutil
import yaml
from podlab_testing.ports import reserved_ports

from podlab import pki
from podlab.client.client import Client
from podlab.tls import Tls

START_LIMIT_S = 20.0
HERE = Path(__file__).parents[3]
AUDIT_POLICY = Path("playbooks/roles/master/files/audit-policy.yaml")
POLL_S = 0.01


def tell(name: str, figure: float, unit: str, digits: int = 0) -> None:
    """One line a figure."""
    print(f"{name}: {figure:,.{digits}f} {unit}", flush=True)


@dataclass(frozen=True)
class ApiServer:
    """The process, and how to reach it."""

    process: psutil.Process
    tls: Tls
    grpc_address: str
    rest_address: str
    _clients: AsyncExitStack

    async def connect(self) -> Client:
        """A gRPC client with a connection of its own, closed with the server."""
        return await self._clients.enter_async_context(Client(self.grpc_address, self.tls))

    async def session(self, connections: int) -> aiohttp.ClientSession:
        """A REST client with so many connections at most, closed with the server."""
        context = ssl.create_default_context(cafile=str(self.tls.ca))
        context.load_cert_chain(self.tls.cert, self.tls.key)
        connector = aiohttp.TCPConnector(ssl=context, limit=connections)
        # Compression would measure zlib.
        session = aiohttp.ClientSession(
            f"https://{self.rest_address}", connector=connector, headers={"Accept-Encoding": "identity"}
        )
        return await self._clients.enter_async_context(session)

    def memory_mib(self) -> float:
        """Proportional set size: what the machine really spends on it."""
        return float(self.process.memory_full_info().pss) / (1 << 20)

    def cpu_s(self) -> float:
        """What the server has taken of the processors so far."""
        return _cpu_s(self.process)

    def process_clock_s(self) -> float:
        """As `cpu_s`, in the kernel's own nanoseconds instead of its ticks: clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    @contextmanager
    def watched(self, what: str) -> Iterator[None]:
        """Tell how much of a processor the server and this load generator took: near 100 % names the limit."""
        both = {"server": self.process, "load generator": psutil.Process()}
        before = {name: _cpu_s(process) for name, process in both.items()}
        started = time.perf_counter()
        yield
        elapsed_s = time.perf_counter() - started
        for name, process in both.items():
            tell(f"  {what}, CPU of the {name}", (_cpu_s(process) - before[name]) / elapsed_s * 100, "% of a core")


@asynccontextmanager
async def started(
    kept: Path | None = None,
    *,
    told: str = "start to first answer",
    checkout: Path = HERE,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[ApiServer]:
    """A server on a store of its own, which goes with it; or on the one in a directory that is `kept`. It is that of
    the `checkout`, which has to be bootstrapped."""
    with ExitStack() as held:
        made = (
            tempfile.TemporaryDirectory(prefix="podlab-bench-", dir=Path.cwd()) if kept is None else nullcontext(kept)
        )
        directory = Path(held.enter_context(made))
        tls = make_tls(directory / "pki")
        (grpc_port, rest_port) = held.enter_context(reserved_ports(2))
        config = directory / "apiserver.yaml"
        settings = _settings(directory, tls, grpc_port, rest_port)
        settings["audit"] = {"policy": str(checkout / AUDIT_POLICY), "log": str(directory / "audit" / "audit.log")}
        config.write_text(yaml.safe_dump(settings))
        begun = time.perf_counter()
        command = (str(checkout / ".venv/bin/python"), "-m", "master.apiserver.main", "--config", str(config))
        with (directory / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, cwd=checkout, env={**os.environ, **environment}
            )
        try:
            async with AsyncExitStack() as clients:
                addresses = (f"127.0.0.1:{port}" for port in (grpc_port, rest_port))
                server = ApiServer(psutil.Process(process.pid), tls, *addresses, clients)
                await _answers(process, await server.session(1), directory / "log")
                tell(told, time.perf_counter() - begun, "s", 2)
                yield server
        finally:
            process.terminate()
            await process.wait()


def _settings(directory: Path, tls: Tls, grpc_port: int, rest_port: int) -> dict[str, object]:
    return {
        "cluster_name": "bench",
        "advertise_address": "192.0.2.1",
        "bind_address": "127.0.0.1",
        "port": grpc_port,
        "rest_port": rest_port,
        "data_dir": str(directory / "data"),
        "tls": {"ca": str(tls.ca), "cert": str(tls.cert), "key": str(tls.key)},
        "service_account_keys": [str(tls.key)],
    }


def make_tls(directory: Path) -> Tls:
    """Certificates of an authority of their own; server and clients share one."""
    ca = pki.ensure_ca(directory)
    pki.ensure_certificate(ca, directory, "admin", "system:apiserver", ["system:masters"], ["127.0.0.1"])
    return Tls(directory / "ca.crt", directory / "admin.crt", directory / "admin.key")


async def _answers(process: asyncio.subprocess.Process, session: aiohttp.ClientSession, log: Path) -> None:
    async with asyncio.timeout(START_LIMIT_S):
        while process.returncode is None:
            try:
                async with session.get("/readyz") as response:
                    response.raise_for_status()
                return
            except aiohttp.ClientError:
                await asyncio.sleep(POLL_S)
    said = await asyncio.to_thread(log.read_text)
    raise RuntimeError(f"the server ended with exit code {process.returncode}: {said}")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
