"""podlab-scheduler: assigns pods to nodes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

# First: after typing_extensions, which gRPC imports, numpy's own types take it three times as long (18 ms more).
import numpy as np  # noqa: F401

from master.scheduler import plugin_files
from master.scheduler.config.configuration import KubeSchedulerConfiguration
from master.scheduler.config.defaults import DEFAULT
from master.scheduler.config.policy import Policy, make_policy
from master.scheduler.scheduler import Scheduler
from master.scheduler.server import SchedulerServicer
from master.scheduler.settings import SchedulerSettings
from podlab import component
from podlab import settings as podlab_settings
from podlab.client.leaderelection.candidacy import candidacy, tell
from podlab.spans import service as spans
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc

APISERVER_USER = "system:apiserver"
LEASE = "kube-scheduler"

log = logging.getLogger(__name__)


def load_policy(configuration: Path | None) -> Policy:
    """The policy of the KubeSchedulerConfiguration; Kubernetes' default one without it. Raises SettingsError."""
    if configuration is None:
        return DEFAULT
    given = podlab_settings.load(configuration, KubeSchedulerConfiguration)
    for name in given.without_effect:
        log.info("%s: %s has no effect on this scheduler", configuration, name)
    try:
        factories = plugin_files.load(configuration.parent / each for each in given.pluginFiles)
        return make_policy(given, factories)
    except podlab_settings.SettingsError as error:
        raise podlab_settings.SettingsError(f"{configuration}: {error}") from error


async def serve(settings: SchedulerSettings, stop: asyncio.Event) -> None:
    """Runs until `stop` is set. Raises SettingsError."""
    policy = load_policy(settings.configuration)
    address = f"{settings.bind_address}:{settings.port}"
    server, checks = component.grpc_server(
        settings.tls,
        address,
        [scheduler_pb2.DESCRIPTOR.services_by_name["Scheduler"].full_name, spans.SERVICE],
        allowed_users=frozenset({APISERVER_USER}),
    )
    async with component.client(settings.apiserver, settings.tls, "scheduler") as client:
        scheduler = Scheduler(client, policy.profiles, policy.backoff)
        scheduler_pb2_grpc.add_SchedulerServicer_to_server(
            SchedulerServicer(scheduler.explain, scheduler.foresee), server
        )
        spans.add_to(server, scheduler.spans)
        found_at = f"{settings.advertise_address or settings.bind_address}:{settings.port}"
        with candidacy(client, LEASE, found_at, settings.lease_duration_s) as elector:
            loop = elector.run(scheduler.run(elector.leading), tell(checks, elector))
            await component.serve_loop(server, checks, loop, scheduler.synced, stop)


def main() -> None:
    """The console script."""
    component.run("scheduler", SchedulerSettings, serve)
