"""How a node's pods are connected: part of the kubelet's settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from node.network.mtu import LEAST
from node.network.ways import Overlay
from podlab.settings import SettingsError


class Plugin(StrEnum):
    """Who connects pods: Podlab, or whatever else puts a CNI configuration into /etc/cni/net.d."""

    PODLAB = "podlab"
    NONE = "none"


@dataclass(frozen=True)
class NetworkSettings:
    """`plugin` and `overlay` are values of Plugin and Overlay. `mtu`: what gets from each node to each other, in bytes;
    0 means that of the interfaces.
    """

    plugin: str = Plugin.PODLAB
    overlay: str = Overlay.AUTO
    mtu: int = 0

    def __post_init__(self) -> None:
        """Raises SettingsError."""
        for name, value, known in (("plugin", self.plugin, Plugin), ("overlay", self.overlay, Overlay)):
            if value not in list(known):
                raise SettingsError(f"network.{name}: {value!r} is none of {', '.join(known)}")
        if self.mtu and not LEAST <= self.mtu <= 65535:
            raise SettingsError(f"network.mtu: {self.mtu} is neither 0 nor from {LEAST} to 65535")
