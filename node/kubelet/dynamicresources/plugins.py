"""Drivers of devices that have made themselves known."""

from __future__ import annotations

from typing import ClassVar

from node.kubelet.dynamicresources.driver import Driver, DriverError
from node.kubelet.plugins.drivers import RegisteredDrivers
from node.kubelet.plugins.registry import PluginRefused
from podlab.foreign.pluginregistration.v1 import api_pb2

_VERSION = "v1.DRAPlugin"


class DriverRegistry(RegisteredDrivers[Driver]):
    """Implements PluginKind."""

    type: ClassVar[str] = "DRAPlugin"

    def named(self, name: str) -> Driver:
        """Raises DriverError when it is not there."""
        found = self.find(name)
        if found is None:
            raise DriverError(f"DRA driver {name} is not registered")
        return found

    async def add(self, info: api_pb2.PluginInfo, endpoint: str) -> None:
        """See PluginKind."""
        if not info.name:
            raise PluginRefused("DRA plugin name is empty")
        if _VERSION not in info.supported_versions:
            versions = ", ".join(info.supported_versions)
            raise PluginRefused(f"none of the versions that plugin {info.name} supports ({versions}) is {_VERSION}")
        self.enlist(Driver(info.name, endpoint))
