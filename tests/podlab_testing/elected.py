"""Schedulers as processes of their own, of which one leads."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from master.scheduler.settings import SchedulerSettings
from podlab.client.client import Client
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.errors import NotFound
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

LEASE = "kube-scheduler"


@dataclass
class SchedulerProcess:
    """podlab-scheduler as its unit runs it, with a runtime directory that outlives it."""

    cluster: Cluster
    folder: Path
    port: int
    lease_duration_s: int = SchedulerSettings.lease_duration_s
    process: Process | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """host:port, as it stands in the Lease."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        tls = self.cluster.authority.tls("system:kube-scheduler")
        settings = {
            "apiserver": self.cluster.server,
            "bind_address": "127.0.0.1",
            "port": self.port,
            "lease_duration_s": self.lease_duration_s,
            "tls": {"ca": str(tls.ca), "cert": str(tls.cert), "key": str(tls.key)},
        }
        config = self.folder / "scheduler.yaml"
        config.write_text(json.dumps(settings))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from master.scheduler.main import main; main()",
            "--config",
            str(config),
            env={**os.environ, "RUNTIME_DIRECTORY": str(self.folder)},
        )

    def send(self, signum: signal.Signals) -> None:
        """As `kill` does."""
        assert self.process is not None
        self.process.send_signal(signum)

    async def ended(self, within_s: float) -> int:
        """Its exit code."""
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), within_s)

    async def health(self, service: str) -> HealthCheckResponse.ServingStatus.ValueType:
        """What it answers to health checks; waits for it to listen."""
        tls = self.cluster.authority.tls("system:apiserver")
        async with grpc.aio.secure_channel(self.address, tls.channel_credentials()) as channel:
            stub: Any = HealthStub(channel)
            try:
                answer = await stub.Check(HealthCheckRequest(service=service), timeout=WITHIN_S, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:  # it has not said so far
                    return HealthCheckResponse.SERVICE_UNKNOWN
                raise
            found: HealthCheckResponse = answer
            return found.status

    async def close(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def leads(client: Client, address: str, within_s: float) -> float:
    """The seconds until the scheduler at the address holds the Lease."""
    began_s, holder = time.monotonic(), ""
    while time.monotonic() - began_s < within_s:
        try:
            lease = await client.get(Lease, LEASE, "kube-system")
            holder = f"{lease.spec.holderIdentity} at {lease.metadata.annotations.get('podlab.io/address', '')}"
            if lease.spec.holderIdentity and holder.endswith(f" at {address}"):
                return time.monotonic() - began_s
        except NotFound:
            holder = "nobody"
        await asyncio.sleep(0.02)
    raise AssertionError(f"the Lease is {holder}'s after {within_s} s, not the scheduler's at {address}")
