"""The scheduler's settings: /etc/podlab/scheduler.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from podlab import ports
from podlab.settings import SettingsError
from podlab.tls import Tls


@dataclass(frozen=True)
class SchedulerSettings:
    """`apiserver` is host:port, or several addresses with commas between.

    `configuration` is a KubeSchedulerConfiguration; Kubernetes' defaults without it.
    After `lease_duration_s` without a word of the scheduler that leads, another does.
    At `advertise_address` API servers of other hosts find this scheduler; at `bind_address` when it is empty.
    """

    apiserver: str
    bind_address: str
    tls: Tls
    port: int = ports.SCHEDULER
    advertise_address: str = ""
    configuration: Path | None = None
    lease_duration_s: int = 15

    def __post_init__(self) -> None:
        """Raises SettingsError."""
        if self.lease_duration_s < 1:
            raise SettingsError(f"lease_duration_s: {self.lease_duration_s} is not 1 or more")
