"""podlab-scheduler: gives pods their nodes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from master.scheduler import ownplugins
from master.scheduler.configuration import KubeSchedulerConfiguration, profiles
from master.scheduler.defaults import DEFAULT_PROFILE
from master.scheduler.profile import Profile
from master.scheduler.scheduler import Scheduler
from master.scheduler.server import SchedulerServicer
from podlab import component, settings
from podlab.client.client import Client
from podlab.tls import Tls
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc

APISERVER_USER = "system:apiserver"


@dataclass(frozen=True)
class Config:
    """/etc/podlab/scheduler.yaml. `apiserver` is host:port, `configuration` a KubeSchedulerConfiguration."""

    apiserver: str
    bind_address: str
    tls: Tls
    port: int = 7444
    configuration: Path | None = None

    def policy(self) -> tuple[Profile, ...]:
        """What `configuration` says, or Kubernetes' defaults. Raises SettingsError."""
        path = self.configuration
        if path is None:
            return (DEFAULT_PROFILE,)
        given = settings.load(path, KubeSchedulerConfiguration)
        try:
            own = ownplugins.load(path.parent / each for each in given.pluginFiles)
            return profiles(given, own)
        except settings.SettingsError as error:
            raise settings.SettingsError(f"{path}: {error}") from error


async def serve(config: Config, stop: asyncio.Event) -> None:
    """Runs until `stop` is set. Raises SettingsError."""
    policy = config.policy()
    server, checks = component.grpc_server(
        config.tls,
        f"{config.bind_address}:{config.port}",
        [scheduler_pb2.DESCRIPTOR.services_by_name["Scheduler"].full_name],
        allowed_users=frozenset({APISERVER_USER}),
    )
    async with Client(config.apiserver, config.tls, user_agent="podlab-scheduler") as client:
        scheduler = Scheduler(client, policy)
        scheduler_pb2_grpc.add_SchedulerServicer_to_server(
            SchedulerServicer(scheduler.explain, scheduler.foresee), server
        )
        await component.serve_loop(server, checks, scheduler.run(), scheduler.synced, stop)


def main() -> None:
    """The console script."""
    component.run("scheduler", Config, serve)
