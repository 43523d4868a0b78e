"""The services that are measured beside the API server, each a process of its own, as their units run them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Protocol

import psutil
import yaml
from podlab_testing.ports import reserved_ports

from podlab.tls import Tls

STOP_LIMIT_S = 20.0


@dataclass(frozen=True)
class Service:
    """A running service. `decisions` is where the scheduler writes how long they took."""

    process: psutil.Process
    decisions: Path

    def cpu_s(self) -> float:
        """Seconds of a processor that it has taken so far."""
        return cpu_s(self.process)

    def memory_mib(self) -> float:
        """Proportional set size: what the machine really spends on it."""
        return float(self.process.memory_full_info().pss) / (1 << 20)

    def decisions_us(self) -> list[int]:
        """How long each decision of the scheduler took so far, the shortest first."""
        return sorted(int(line) for line in self.decisions.read_text().split())


class Served(Protocol):
    """Where services find the API server, or several with commas between, and what they show there."""

    @property
    def tls(self) -> Tls: ...

    @property
    def grpc_address(self) -> str: ...


@asynccontextmanager
async def running(name: str, server: Served, more: Mapping[str, object]) -> AsyncIterator[Service]:
    """`name` is scheduler or controllers; `more` are its settings besides those that all have."""
    with TemporaryDirectory(prefix="podlab-bench-", dir=Path.cwd()) as directory, reserved_ports(1) as (port,):
        config, log = _written(Path(directory), server, {"port": port, **more})
        decisions = Path(directory) / "decisions"
        with log:
            command = (*_program(name, decisions), "--config", str(config))
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            yield Service(psutil.Process(process.pid), decisions)
            if process.returncode is not None:
                raise RuntimeError(f"podlab-{name} ended with exit code {process.returncode}")
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(STOP_LIMIT_S):
                await process.wait()


def _program(name: str, decisions: Path) -> tuple[str, ...]:
    if name == "scheduler":
        return sys.executable, str(Path(__file__).with_name("timed.py")), str(decisions)
    return (str(Path(sys.executable).with_name(f"podlab-{name}")),)


def _written(directory: Path, server: Served, more: Mapping[str, object]) -> tuple[Path, BinaryIO]:
    """The settings, and the log to write to."""
    tls = {"ca": str(server.tls.ca), "cert": str(server.tls.cert), "key": str(server.tls.key)}
    settings = {"apiserver": server.grpc_address, "bind_address": "127.0.0.1", "tls": tls}
    config = directory / "config.yaml"
    config.write_text(yaml.safe_dump({**settings, **more}))
    return config, (directory / "log").open("wb")


def cpu_s(process: psutil.Process) -> float:
    """Seconds of a processor that the process has taken so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    def s(self) -> float:
        return time.perf_counter() - self._begun
