"""Three API servers, each a process with an address of its own, and three members of etcd behind them."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml
from apiserver import AUDIT_POLICY, HERE, tell
from podlab_testing.etcd import EtcdCluster, running
from podlab_testing.ports import reserved_ports
from processes import Stopwatch, cpu_s

from podlab import pki
from podlab.client.client import Client
from podlab.client.servers import NAME
from podlab.tls import Tls

SERVERS = 3
START_LIMIT_S = 60.0
HOSTS = (NAME, "localhost", "127.0.0.1")


@dataclass
class Master:
    """An API server, which can be ended and started again on its port. It keeps nothing itself."""

    number: int
    address: str
    tls: Tls
    config: Path
    process: psutil.Process | None = None
    _own: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def start(self) -> float:
        """How long it takes until it answers."""
        watch = Stopwatch()
        command = (str(HERE / ".venv/bin/python"), "-m", "master.apiserver.main", "--config", str(self.config))
        with self.config.with_suffix(".log").open("ab") as log:
            self._own = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, cwd=HERE)
        self.process = psutil.Process(self._own.pid)
        async with Client(self.address, self.tls) as client:
            if not await client.connected(START_LIMIT_S):
                raise RuntimeError(f"server {self.number}: {self.config.with_suffix('.log').read_text()[-2000:]}")
            await client.version()
        return watch.s()

    async def kill(self) -> None:
        assert self._own is not None
        self._own.kill()
        await self._own.wait()

    def hang(self) -> None:
        """It keeps its connections, and answers nothing."""
        assert self._own is not None
        self._own.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._own is not None
        self._own.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """Tells what one said last that has ended by itself."""
        if self._own is not None and self._own.returncode not in (None, -signal.SIGKILL):
            said = self.config.with_suffix(".log").read_text(errors="replace")
            print(f"API server {self.number} ended with {self._own.returncode}: {said[-3000:]}", flush=True)
        if self._own is not None and self._own.returncode is None:
            self.go_on()
            self._own.terminate()
            await self._own.wait()

    def connections(self) -> int:
        """Of clients, established."""
        assert self.process is not None
        port = int(self.address.rpartition(":")[2])
        return sum(
            each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
            for each in self.process.net_connections("tcp")
        )


@dataclass(frozen=True)
class Masters:
    """All of them. `directory` is the benchmark's own, `ca` what certificates of clients are made with."""

    servers: Sequence[Master]
    etcd: EtcdCluster
    directory: Path
    ca: pki.Ca
    tls: Tls

    @property
    def grpc_address(self) -> str:
        """As clients take them."""
        return ",".join(each.address for each in self.servers)

    def cpu(self) -> dict[str, float]:
        """Seconds of a processor that each of those that run has taken so far."""
        found = {f"API server {each.number}": each.process for each in self.servers}
        found |= {f"etcd {each.name}": psutil.Process(each.process.pid) for each in self.etcd.members if each.process}
        return {name: cpu_s(process) for name, process in found.items() if process is not None and process.is_running()}


@asynccontextmanager
async def started() -> AsyncIterator[Masters]:
    """For as long as the block runs."""
    with (
        tempfile.TemporaryDirectory(prefix="podlab-bench-", dir=Path.cwd()) as folder,
        running(Path(folder) / "etcd", 3) as etcd,
        reserved_ports(2 * SERVERS) as ports,
    ):
        directory = Path(folder)
        ca = pki.ensure_ca(directory / "pki")
        pki.ensure_certificate(ca, directory / "pki", "admin", "system:apiserver", ["system:masters"], HOSTS)
        tls = Tls(*(directory / "pki" / name for name in ("ca.crt", "admin.crt", "admin.key")))
        servers = [_written(number, directory, tls, etcd, ports[number::SERVERS]) for number in range(SERVERS)]
        try:
            for each in servers:
                tell(f"API server {each.number} starts on an empty etcd", await each.start(), "s", 2)
            yield Masters(servers, etcd, directory, ca, tls)
        finally:
            for each in servers:
                await each.end()


def _written(number: int, directory: Path, tls: Tls, etcd: EtcdCluster, ports: Sequence[int]) -> Master:
    port, rest_port = ports
    settings = {
        "cluster_name": "bench",
        "advertise_address": f"192.0.2.{number + 1}",
        "bind_address": "127.0.0.1",
        "port": port,
        "rest_port": rest_port,
        "data_dir": str(directory / f"server-{number}"),
        "tls": {"ca": str(tls.ca), "cert": str(tls.cert), "key": str(tls.key)},
        "service_account_keys": [str(tls.key)],
        "etcd": {"endpoints": [f"http://{each}" for each in etcd.endpoints]},
        "audit": {"policy": str(HERE / AUDIT_POLICY), "log": str(directory / f"audit-{number}" / "audit.log")},
    }
    config = directory / f"server-{number}.yaml"
    config.write_text(yaml.safe_dump(settings))
    return Master(number, f"127.0.0.1:{port}", tls, config)
