"""More listeners of a cluster's REST API, each on a port of its own and with limits of its own."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from master.apiserver.rest.api import Api
from master.apiserver.rest.connections import ConnectionLimits
from master.apiserver.rest.server import SWEPT_EVERY_S, listening
from podlab_testing.cluster import Cluster
from podlab_testing.ports import reserved_ports


@dataclass
class RestListeners:
    """They answer until `close`."""

    cluster: Cluster
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def api(self) -> Api:
        """The cluster's own."""
        assert self.cluster.parts is not None
        return self.cluster.parts.rest

    async def listen(
        self,
        api: Api | None = None,
        limits: ConnectionLimits[Any] | None = None,
        swept_every_s: float = SWEPT_EVERY_S,
    ) -> int:
        """The port of loopback on which the API, by default the cluster's own, answers from now on."""
        (port,) = self._open.enter_context(reserved_ports(1))
        tls = self.cluster.settings.tls
        listener = listening(api or self.api, tls, "127.0.0.1", port, limits=limits, swept_every_s=swept_every_s)
        await self._open.enter_async_context(listener)
        return port

    async def close(self) -> None:
        await self._open.aclose()
