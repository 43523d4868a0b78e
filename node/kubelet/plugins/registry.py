"""Plugins that have made themselves known: each by a socket in one directory of the node.

https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/ and KEP-595
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Protocol

import grpc

from podlab.foreign.pluginregistration.v1 import api_pb2, api_pb2_grpc

log = logging.getLogger(__name__)

PERIOD_S = 1.0
CALL_TIMEOUT_S = 10.0
# Go's servers refuse the socket's path as authority.
OPTIONS = (("grpc.default_authority", "localhost"),)
Socket = tuple[Path, int, int]
"""Its path, inode and birth: a plugin that is started anew makes another of the same name."""


class PluginRefused(Exception):
    """Why a plugin cannot be used here. It is told so."""


class PluginDelayed(Exception):
    """Why a plugin cannot be used yet. It is asked again."""


class PluginKind(Protocol):
    """What is done with plugins of one type."""

    type: ClassVar[str]

    async def add(self, info: api_pb2.PluginInfo, endpoint: str) -> None:
        """A plugin has come; one of the same name may be there still. Raises PluginRefused, and PluginDelayed."""
        ...

    async def remove(self, name: str, endpoint: str) -> None:
        """It has gone."""
        ...


class PluginRegistry:
    """Looks for sockets all the time."""

    def __init__(self, directory: Path, kinds: Iterable[PluginKind], period_s: float = PERIOD_S) -> None:
        self._directory = directory
        self._kinds = {kind.type: kind for kind in kinds}
        self._period_s = period_s
        self._registered: dict[Socket, tuple[PluginKind, str, str] | None] = {}
        """Its kind, name and endpoint. None: of one that cannot be used, which has been told so."""
        self._failing: set[Socket] = set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self.sync()
                await asyncio.sleep(self._period_s)
        finally:
            self._registered.clear()

    async def sync(self) -> None:
        """Takes in the sockets that are there now, and lets go of those that are not."""
        there = await asyncio.to_thread(_sockets, self._directory)
        for gone in self._registered.keys() - there:
            if (plugin := self._registered.pop(gone)) is not None:
                kind, name, endpoint = plugin
                log.info("plugin %s is gone with its socket %s", name, gone[0])
                await kind.remove(name, endpoint)
        self._failing &= there
        for socket in sorted(there - self._registered.keys()):
            await self._try_register(socket)

    async def _try_register(self, socket: Socket) -> None:
        """One that does not answer is asked again: it may be about to listen."""
        try:
            self._registered[socket] = await self._register(socket[0])
        except (grpc.aio.AioRpcError, PluginDelayed) as error:
            if socket not in self._failing:
                self._failing.add(socket)
                why = error.details() if isinstance(error, grpc.aio.AioRpcError) else error
                log.warning("plugin at %s does not register: %s; will be asked again", socket[0], why)

    async def _register(self, socket: Path) -> tuple[PluginKind, str, str] | None:
        async with grpc.aio.insecure_channel(f"unix:{socket}", options=list(OPTIONS)) as channel:
            stub = api_pb2_grpc.RegistrationStub(channel)
            info = await stub.GetInfo(api_pb2.InfoRequest(), timeout=CALL_TIMEOUT_S)
            endpoint, why = info.endpoint or str(socket), ""
            try:
                await self._kind(info).add(info, endpoint)
            except PluginRefused as error:
                why = str(error)
            status = api_pb2.RegistrationStatus(plugin_registered=not why, error=why)
            await stub.NotifyRegistrationStatus(status, timeout=CALL_TIMEOUT_S)
        if why:
            log.warning("plugin %s at %s is not registered: %s", info.name, socket, why)
            return None
        log.info("plugin %s is registered", info.name)
        return self._kind(info), info.name, endpoint

    def _kind(self, info: api_pb2.PluginInfo) -> PluginKind:
        if info.type not in self._kinds:
            known = " and ".join(self._kinds)
            raise PluginRefused(f"plugin type {info.type} is not supported by Podlab: only {known} are")
        return self._kinds[info.type]


def _sockets(directory: Path) -> set[Socket]:
    try:
        found = [path for path in directory.iterdir() if path.is_socket()]
        return {(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in found}
    except FileNotFoundError:  # the directory, or one that has just gone
        return set()
