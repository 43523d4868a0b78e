"""The devices that plugins offer now, and how many of each resource the node tells of."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from node.kubelet.deviceplugins.plugin import DevicePlugin, Devices
from node.kubelet.plugins.registry import PluginRefused
from podlab.foreign.deviceplugin.v1beta1 import api_pb2
from podlab.foreign.pluginregistration.v1 import api_pb2 as registration
from podlab.kinds.validation import syntax

log = logging.getLogger(__name__)

VERSION = "v1beta1"
HEALTHY = "Healthy"
# A plugin that is replaced by a newer version is away for a while. Then its resource is none of the node's any more.
GONE_AFTER_S = 300.0


@dataclass(frozen=True)
class Count:
    """How many devices there are, and how many of them can be used."""

    capacity: int
    allocatable: int


@dataclass
class _Offer:
    plugin: DevicePlugin | None = None
    devices: Devices = field(default_factory=dict)
    gone_since_s: float | None = None
    following: asyncio.Task[None] | None = None


class DeviceOffers:
    """Implements PluginKind. Of two plugins of one resource the last one counts."""

    type: ClassVar[str] = "DevicePlugin"

    def __init__(self, known: Iterable[str], clock: Callable[[], float] = time.monotonic) -> None:
        """`known` are the resources of plugins that were there before."""
        self._clock = clock
        self._offers = {resource: _Offer(gone_since_s=clock()) for resource in known}
        self._followers: list[Callable[[], None]] = []
        self._registered: list[Callable[[str], None]] = []

    def on_change(self, follower: Callable[[], None]) -> None:
        """Calls `follower` when there are more devices, or fewer, or their health has changed."""
        self._followers.append(follower)

    def on_registered(self, follower: Callable[[str], None]) -> None:
        """Calls `follower` with the resource of a plugin that has come. Its OSError refuses the plugin."""
        self._registered.append(follower)

    @property
    def resources(self) -> set[str]:
        """Those that plugins offer, or have offered."""
        return set(self._offers)

    def plugin(self, resource: str) -> DevicePlugin | None:
        """None while it is not there."""
        offer = self._offers.get(resource)
        return offer.plugin if offer is not None else None

    def devices(self, resource: str) -> Devices:
        """All that are known; none of them is healthy when the plugin is not there."""
        offer = self._offers.get(resource)
        return offer.devices if offer is not None else {}

    def is_healthy(self, resource: str, device: str) -> bool | None:
        """None: nobody knows, since the plugin is not there."""
        offer = self._offers.get(resource)
        if offer is None or offer.plugin is None:
            return None
        known = offer.devices.get(device)
        return known is not None and known.health == HEALTHY

    def healthy(self, resource: str) -> set[str]:
        """Those that can be used."""
        return {device for device in self.devices(resource) if self.is_healthy(resource, device)}

    def counts(self) -> dict[str, Count]:
        """What the node tells, by resource."""
        return {name: Count(self._capacity(offer), len(self.healthy(name))) for name, offer in self._offers.items()}

    def _capacity(self, offer: _Offer) -> int:
        gone = offer.gone_since_s is not None and self._clock() - offer.gone_since_s > GONE_AFTER_S
        return 0 if gone else len(offer.devices)

    async def register(self, version: str, resource: str, endpoint: str, options: api_pb2.DevicePluginOptions) -> None:
        """A plugin has come. Raises PluginRefused."""
        if version != VERSION:
            told = f'requested API version "{version}" is not supported by kubelet. Supported version is "{VERSION}"'
            raise PluginRefused(told)
        if not syntax.is_extended_resource(resource):
            raise PluginRefused(f'the ResourceName "{resource}" is invalid')
        try:
            for follower in self._registered:
                follower(resource)
        except OSError as error:
            raise PluginRefused(f"{resource} cannot be noted: {error}") from error
        offer = self._offers.setdefault(resource, _Offer())
        await self._let_go(offer)
        offer.plugin = DevicePlugin(resource, endpoint, options)
        offer.following = asyncio.create_task(self._follow(offer, offer.plugin))
        log.info("device plugin of %s has registered", resource)

    async def add(self, info: registration.PluginInfo, endpoint: str) -> None:
        """See PluginKind."""
        version = VERSION if VERSION in info.supported_versions else ", ".join(info.supported_versions)
        await self.register(version, info.name, endpoint, api_pb2.DevicePluginOptions())

    async def remove(self, name: str, endpoint: str) -> None:
        """See PluginKind."""
        offer = self._offers.get(name)
        if offer is not None and offer.plugin is not None and offer.plugin.endpoint == endpoint:
            await self._let_go(offer)
            self._plugin_gone(offer, name)

    async def close(self) -> None:
        """Lets go of all plugins."""
        for offer in self._offers.values():
            await self._let_go(offer)

    async def _let_go(self, offer: _Offer) -> None:
        if offer.following is not None:
            offer.following.cancel()
            await asyncio.gather(offer.following, return_exceptions=True)
        if offer.plugin is not None:
            await offer.plugin.close()
        offer.plugin, offer.following = None, None

    async def _follow(self, offer: _Offer, plugin: DevicePlugin) -> None:
        async for devices in plugin.lists():
            offer.devices, offer.gone_since_s = devices, None
            healthy = len(self.healthy(plugin.resource))
            log.info("%s: %d devices, %d of them healthy", plugin.resource, len(devices), healthy)
            self._changed()
        offer.following = None
        offer.plugin = None
        await plugin.close()
        self._plugin_gone(offer, plugin.resource)

    def _plugin_gone(self, offer: _Offer, resource: str) -> None:
        offer.gone_since_s = self._clock()
        log.warning("device plugin of %s is gone: none of its devices can be used", resource)
        self._changed()

    def _changed(self) -> None:
        for follower in self._followers:
            follower()
