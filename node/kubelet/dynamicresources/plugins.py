"""Drivers that have made themselves known: each by a socket in one directory of the node.

https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/ and KEP-595
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import grpc

from node.kubelet.dynamicresources.driver import OPTIONS, Driver, DriverError
from podlab.foreign.pluginregistration.v1 import api_pb2, api_pb2_grpc

log = logging.getLogger(__name__)

PERIOD_S = 1.0
CALL_TIMEOUT_S = 10.0
_TYPE, _VERSION = "DRAPlugin", "v1.DRAPlugin"
Socket = tuple[Path, int, int]
"""Its path, inode and birth: a driver that is started anew makes another of the same name."""


class DriverRegistry:
    """Looks for sockets all the time. Of several that register one driver, the last one counts."""

    def __init__(self, directory: Path, period_s: float = PERIOD_S) -> None:
        self._directory = directory
        self._period_s = period_s
        self._registered: dict[Socket, Driver | None] = {}
        """None: of a plugin that is no driver of ours, which has been told so."""
        self._failing: set[Socket] = set()
        self._followers: list[Callable[[], None]] = []

    def on_registered(self, follower: Callable[[], None]) -> None:
        """Calls `follower` whenever a driver has come."""
        self._followers.append(follower)

    def named(self, name: str) -> Driver:
        """Raises DriverError when it is not there."""
        found = [driver for driver in self._registered.values() if driver is not None and driver.name == name]
        if not found:
            raise DriverError(f"DRA driver {name} is not registered")
        return found[-1]

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self.sync()
                await asyncio.sleep(self._period_s)
        finally:
            for driver in self._registered.values():
                if driver is not None:
                    await driver.close()

    async def sync(self) -> None:
        """Takes in the sockets that are there now, and lets go of those that are not."""
        there = await asyncio.to_thread(_sockets, self._directory)
        for gone in self._registered.keys() - there:
            driver = self._registered.pop(gone)
            if driver is not None:
                log.info("driver %s is gone with its socket %s", driver.name, gone[0])
                await driver.close()
        self._failing &= there
        for socket in sorted(there - self._registered.keys()):
            await self._try_register(socket)

    async def _try_register(self, socket: Socket) -> None:
        """One that does not answer is asked again: it may be about to listen."""
        try:
            self._registered[socket] = driver = await _register(socket[0])
        except grpc.aio.AioRpcError as error:
            if socket not in self._failing:
                self._failing.add(socket)
                log.warning("plugin at %s does not register: %s; will be asked again", socket[0], error.details())
        else:
            for follower in self._followers if driver is not None else ():
                follower()


async def _register(socket: Path) -> Driver | None:
    async with grpc.aio.insecure_channel(f"unix:{socket}", options=list(OPTIONS)) as channel:
        stub = api_pb2_grpc.RegistrationStub(channel)
        info = await stub.GetInfo(api_pb2.InfoRequest(), timeout=CALL_TIMEOUT_S)
        why = why_refused(info)
        status = api_pb2.RegistrationStatus(plugin_registered=not why, error=why)
        await stub.NotifyRegistrationStatus(status, timeout=CALL_TIMEOUT_S)
    if why:
        log.warning("plugin %s at %s is not registered: %s", info.name, socket, why)
        return None
    log.info("driver %s is registered", info.name)
    return Driver(info.name, info.endpoint or str(socket))


def why_refused(info: api_pb2.PluginInfo) -> str:
    """Why the plugin is none that can be used here; empty when it is."""
    if info.type != _TYPE:
        return f"plugin type {info.type} is not supported by Podlab: only {_TYPE} is"
    if not info.name:
        return "DRA plugin name is empty"
    if _VERSION not in info.supported_versions:
        versions = ", ".join(info.supported_versions)
        return f"none of the versions that plugin {info.name} supports ({versions}) is {_VERSION}"
    return ""


def _sockets(directory: Path) -> set[Socket]:
    try:
        found = [path for path in directory.iterdir() if path.is_socket()]
        return {(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in found}
    except FileNotFoundError:  # the directory, or one that has just gone
        return set()
