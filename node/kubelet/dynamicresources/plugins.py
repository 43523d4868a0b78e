"""Drivers of devices that have made themselves known."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar

from node.kubelet.dynamicresources.driver import Driver, DriverError
from node.kubelet.plugins.registry import PluginRefused
from podlab.foreign.pluginregistration.v1 import api_pb2

log = logging.getLogger(__name__)

_VERSION = "v1.DRAPlugin"


class DriverRegistry:
    """Implements PluginKind. Of several that register one driver, the last one counts."""

    type: ClassVar[str] = "DRAPlugin"

    def __init__(self) -> None:
        self._registered: list[Driver] = []
        self._followers: list[Callable[[], None]] = []

    def on_registered(self, follower: Callable[[], None]) -> None:
        """Calls `follower` whenever a driver has come."""
        self._followers.append(follower)

    def named(self, name: str) -> Driver:
        """Raises DriverError when it is not there."""
        found = [driver for driver in self._registered if driver.name == name]
        if not found:
            raise DriverError(f"DRA driver {name} is not registered")
        return found[-1]

    async def add(self, info: api_pb2.PluginInfo, endpoint: str) -> None:
        """See PluginKind."""
        if not info.name:
            raise PluginRefused("DRA plugin name is empty")
        if _VERSION not in info.supported_versions:
            versions = ", ".join(info.supported_versions)
            raise PluginRefused(f"none of the versions that plugin {info.name} supports ({versions}) is {_VERSION}")
        self._registered.append(Driver(info.name, endpoint))
        for follower in self._followers:
            follower()

    async def remove(self, name: str, endpoint: str) -> None:
        """See PluginKind."""
        gone = next(each for each in self._registered if (each.name, each.endpoint) == (name, endpoint))
        self._registered.remove(gone)
        await gone.close()

    async def close(self) -> None:
        """Lets go of all of them."""
        for driver in self._registered:
            await driver.close()
