"""Holds up the host's shutdown until its pods have ended, by an inhibitor of systemd's login manager.

https://www.freedesktop.org/wiki/Software/systemd/inhibit/
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from node.command import CommandError, output
from node.kubelet.nodestatus import shutdown
from node.kubelet.nodestatus.shutdown import ShutdownGroup
from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.settings import ShutdownSettings
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# Below /run it goes with the next boot, so that nothing is left of it.
LIMIT_FILE = Path("/run/systemd/logind.conf.d/99-podlab.conf")
_LOGIND = "org.freedesktop.login1"
_MANAGER = f"{_LOGIND}.Manager"
_RETRY_S = 10.0
_LOOKED_EVERY_S = 0.2
_LISTENS_WITHIN_S = 5.0
_INHIBIT = (
    "systemd-inhibit", "--what=shutdown", "--mode=delay", "--who=podlab-kubelet",
    "--why=Kubelet needs time to handle node shutdown", "cat",
)  # fmt: skip
# The sender counts: anybody may send a signal.
_MATCH = f"type='signal',sender='{_LOGIND}',interface='{_MANAGER}',member='PrepareForShutdown'"
_MONITOR = ("busctl", "--system", "--json=short", f"--match={_MATCH}", "monitor")


@dataclass(frozen=True)
class ShutdownEffects:
    """`pods` are those that are still to run; `end` ends one with an outcome within a time; `tell` records an Event of
    the node; `changed` is called when the node has begun to shut down, or no longer does."""

    pods: Callable[[], list[pod_pb2.Pod]]
    end: Callable[[str, PodOutcome, int | None], None]
    is_gone: Callable[[str], bool]
    tell: Callable[[str, str, str], None]
    changed: Callable[[], None]


class ShutdownWatch:
    """`run` for ever. `shutting_down` is true from the host's word on, until it says otherwise."""

    def __init__(self, settings: ShutdownSettings) -> None:
        """Raises SettingsError."""
        self._classes = shutdown.classes(settings)
        self.shutting_down = False

    async def run(self, effects: ShutdownEffects) -> None:
        if not self._classes:
            return
        while True:
            try:
                await _allow(sum(each.grace_period_s for each in self._classes))
                await self._hold(effects)
            except (OSError, CommandError) as error:
                log.warning("a shutdown of this host will not wait for its pods: %s", error)
            await asyncio.sleep(_RETRY_S)

    async def _hold(self, effects: ShutdownEffects) -> None:
        """Holds the inhibitor until a shutdown has been seen to, or the login manager goes away."""
        pipe = asyncio.subprocess.PIPE
        monitor = await asyncio.create_subprocess_exec(*_MONITOR, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
        started = [monitor]
        try:
            await _listens(monitor)
            started.append(await asyncio.create_subprocess_exec(*_INHIBIT, stdin=pipe))
            async for begins in _announced(monitor):
                await self._announced(begins, effects)
                if begins:
                    return
        finally:
            for each in started:
                with suppress(ProcessLookupError):
                    each.terminate()
                await each.wait()

    async def _announced(self, begins: bool, effects: ShutdownEffects) -> None:
        if begins == self.shutting_down:
            return
        self.shutting_down = begins
        log.warning("this host shuts down" if begins else "this host does not shut down after all")
        effects.tell(*(shutdown.BEGUN if begins else shutdown.CANCELLED))
        effects.changed()
        if begins:
            for group in shutdown.groups(effects.pods(), self._classes):
                await end_group(group, effects)


async def end_group(group: ShutdownGroup, effects: ShutdownEffects) -> None:
    """Ends the group's pods; returns when all are gone, or their time is over."""
    for pod in group.pods:
        effects.end(pod.metadata.uid, shutdown.TERMINATED, shutdown.grace_s(group, pod))
    for _ in range(int(group.grace_period_s / _LOOKED_EVERY_S)):
        if all(effects.is_gone(pod.metadata.uid) for pod in group.pods):
            return
        await asyncio.sleep(_LOOKED_EVERY_S)


async def _listens(monitor: asyncio.subprocess.Process) -> None:
    """Waits for its first line, which says that it listens: a shutdown that is announced before goes unseen, and then
    would be held up for nothing. A monitor that says nothing is believed after a while."""
    assert monitor.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(_LISTENS_WITHIN_S):
            await monitor.stdout.readline()


async def _announced(monitor: asyncio.subprocess.Process) -> AsyncIterator[bool]:
    """What the login manager says: whether a shutdown begins, or was called off. Ends with the monitor."""
    assert monitor.stdout is not None
    async for line in monitor.stdout:
        if (begins := announcement(line)) is not None:
            yield begins


def announcement(line: bytes) -> bool | None:
    """Of a line of busctl's; None when it is about something else."""
    try:
        said = orjson.loads(line)
    except ValueError:  # what busctl says of itself
        return None
    if said.get("member") != "PrepareForShutdown":
        return None
    return bool(said["payload"]["data"][0])


async def _allow(wanted_s: int) -> None:
    """Lets an inhibitor delay a shutdown for so long; by default it is 5 s. Raises CommandError, OSError."""
    path = "/" + _LOGIND.replace(".", "/")
    told = await output(
        ["busctl", "--system", "get-property", _LOGIND, path, _MANAGER, "InhibitDelayMaxUSec"], package="systemd"
    )
    if int(told.split()[1]) >= wanted_s * 1_000_000:
        return
    await asyncio.to_thread(_write, LIMIT_FILE, f"[Login]\nInhibitDelayMaxSec={wanted_s}\n")
    await output(["systemctl", "kill", "--signal=HUP", "systemd-logind"], package="systemd")


def _write(path: Path, text: str) -> None:
    """As a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened, beside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(opened, "w") as file:
        file.write(text)
    Path(beside).chmod(0o644)
    Path(beside).replace(path)
