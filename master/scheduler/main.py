"""podlab-scheduler: gives pods their nodes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from master.scheduler import plugin_files
from master.scheduler.config.configuration import KubeSchedulerConfiguration, Policy, policy
from master.scheduler.config.defaults import DEFAULT
from master.scheduler.scheduler import Scheduler
from master.scheduler.server import SchedulerServicer
from podlab import component, settings
from podlab.client.client import Client
from podlab.tls import Tls
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc

APISERVER_USER = "system:apiserver"


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """/etc/podlab/scheduler.yaml. `apiserver` is host:port, `configuration` a KubeSchedulerConfiguration."""

    apiserver: str
    bind_address: str
    tls: Tls
    port: int = 7444
    configuration: Path | None = None

    def policy(self) -> Policy:
        """What `configuration` says, or Kubernetes' defaults. Raises SettingsError."""
        path = self.configuration
        if path is None:
            return DEFAULT
        given = settings.load(path, KubeSchedulerConfiguration)
        for name in given.without_effect:
            log.info("%s: %s has no effect on this scheduler", path, name)
        try:
            own = plugin_files.load(path.parent / each for each in given.pluginFiles)
            return policy(given, own)
        except settings.SettingsError as error:
            raise settings.SettingsError(f"{path}: {error}") from error


async def serve(config: Config, stop: asyncio.Event) -> None:
    """Runs until `stop` is set. Raises SettingsError."""
    how = config.policy()
    server, checks = component.grpc_server(
        config.tls,
        f"{config.bind_address}:{config.port}",
        [scheduler_pb2.DESCRIPTOR.services_by_name["Scheduler"].full_name],
        allowed_users=frozenset({APISERVER_USER}),
    )
    async with Client(config.apiserver, config.tls, user_agent="podlab-scheduler") as client:
        scheduler = Scheduler(client, how.profiles, how.backoff)
        scheduler_pb2_grpc.add_SchedulerServicer_to_server(
            SchedulerServicer(scheduler.explain, scheduler.foresee), server
        )
        await component.serve_loop(server, checks, scheduler.run(), scheduler.synced, stop)


def main() -> None:
    """The console script."""
    component.run("scheduler", Config, serve)
