"""Processes by identity: a pid alone means nothing after its process ended or the machine restarted."""

import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PROC = Path("/proc")
POLL_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process of this boot of this machine."""

    pid: int
    started_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The live process with this pid, or None."""
        ticks = _started_ticks(pid)
        return None if ticks is None else cls(pid=pid, started_ticks=ticks, boot_id=boot_id())

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Process":
        return cls(pid=int(data["pid"]), started_ticks=int(data["started_ticks"]), boot_id=str(data["boot_id"]))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def is_alive(self) -> bool:
        return self.boot_id == boot_id() and _started_ticks(self.pid) == self.started_ticks

    def signal(self, number: int) -> None:
        """Signal this very process; nothing happens when it is gone."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.is_alive():
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(descriptor)

    def wait(self, timeout_s: float) -> bool:
        """Whether the process ended within timeout_s."""
        deadline = time.monotonic() + timeout_s
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True


def boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _started_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when there is none or only a zombie."""
    try:
        stat = (PROC / f"{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the command in parentheses may hold anything
    return None if fields[0] in "ZX" else int(fields[19])
