"""A real API server with a store of its own, and clients of any identity."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from master.apiserver.app.assembly import Parts
from master.apiserver.app.server import running
from master.apiserver.settings import ApiServerSettings, EtcdSettings, FrontProxySettings
from podlab import pki
from podlab.client.client import Client
from podlab.client.servers import NAME as SERVER_NAME
from podlab.deploy import front_proxy, signing_keys
from podlab.tls import Tls
from podlab_testing.ports import reserved_ports

ADMIN = "kubernetes-admin"
HOSTS = ("localhost", "127.0.0.1")
GROUPS = {
    ADMIN: ("system:masters",),
    "system:apiserver": ("system:masters",),
}
_NAMES = {"system:apiserver": (SERVER_NAME, "127.0.0.2", "127.0.0.3")}


@dataclass(frozen=True)
class Authority:
    """Issues certificates; `tls("system:node:n1")` names who they are for."""

    directory: Path

    def tls(self, user: str = ADMIN, *groups: str) -> Tls:
        """The user's certificate. Groups default to those of Podlab's own users."""
        wanted = groups or GROUPS.get(user) or (("system:nodes",) if user.startswith("system:node:") else ("users",))
        name = "-".join((user, *groups)).replace(":", "-")
        hosts = (*HOSTS, *_NAMES.get(user, ()))
        if user.startswith("system:node:"):
            hosts = (*HOSTS, user.removeprefix("system:node:"))
        pki.ensure_certificate(pki.ensure_ca(self.directory), self.directory, name, user, wanted, hosts)
        return Tls(self.directory / "ca.crt", self.directory / f"{name}.crt", self.directory / f"{name}.key")

    def front_proxy(self) -> FrontProxySettings:
        """What an API server shows to those behind Services, and the authority that has signed it."""
        front_proxy.ensure(self.directory, ["master"])
        shown = self.directory / "master" / front_proxy.CLIENT
        ca = self.directory / front_proxy.FOLDER / "ca.crt"
        return FrontProxySettings(ca, shown.with_suffix(".crt"), shown.with_suffix(".key"))

    def signing(self) -> tuple[Path, Path]:
        """Certificate and key of the authority that signs on masters."""
        folder = self.directory / signing_keys.SIGNING
        pki.ensure_ca(folder, signing_keys.SIGNING_NAME)
        return folder / "ca.crt", folder / "ca.key"


@dataclass
class Cluster:
    """An API server on loopback. `stop` and `start` restart it on the same port and store."""

    authority: Authority
    settings: ApiServerSettings
    parts: Parts | None = None
    _server: AsyncExitStack = field(default_factory=AsyncExitStack)
    _clients: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def server(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.settings.port}"

    def settings_file(self, directory: Path) -> Path:
        """The settings as a file, for tests that run the server as a process."""
        path = directory / "apiserver.yaml"
        set_ones = {name: value for name, value in asdict(self.settings).items() if value is not None}
        path.write_text(json.dumps(set_ones, default=str))
        return path

    async def client(self, user: str = ADMIN, *groups: str) -> Client:
        """A client with the user's certificate, closed with the cluster."""
        return await self._clients.enter_async_context(Client(self.server, self.authority.tls(user, *groups)))

    async def start(self) -> None:
        self.parts = await self._server.enter_async_context(running(self.settings))

    async def stop(self) -> None:
        await self._server.aclose()

    async def close(self) -> None:
        await self._clients.aclose()
        await self.stop()


@asynccontextmanager
async def another_server(of: Cluster, data_dir: Path, etcd: EtcdSettings | None) -> AsyncIterator[Cluster]:
    """One more API server of a cluster, on the same store, which it reaches as `etcd` says."""
    with reserved_ports(2) as (port, rest_port):
        settings = replace(of.settings, data_dir=data_dir, port=port, rest_port=rest_port, etcd=etcd)
        made = Cluster(of.authority, settings)
        await made.start()
        try:
            yield made
        finally:
            await made.close()
