"""podlab-ingress: tells the node's HAProxy what to do with requests. `--prepare` makes what HAProxy starts with."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from node.ingress.agent import IngressAgent
from node.ingress.config import Listening
from node.ingress.page_server import SOCKET
from node.ingress.server import CURRENT, Server
from node.ingress.settings import IngressSettings
from node.ingress.wanted import Wanted
from podlab import component, settings

CONFIG = Path("/etc/podlab/ingress.yaml")
NOTHING = "nothing"
"""The generation that listens to nobody: until all Ingresses are known, a refusal is the only true answer."""


async def serve(given: IngressSettings, stop: asyncio.Event) -> None:
    """Runs until `stop` is set; HAProxy goes on with what it knows."""
    async with component.client(given.apiserver, given.tls, "ingress") as client:
        agent = IngressAgent(client, given, Server(given.directory, given.haproxy))
        await component.run_loop(agent.run(), agent.synced, stop, _ready)


async def _ready() -> None:
    component.notify_ready()


def prepare(given: IngressSettings) -> None:
    """What an earlier run has left stays. Raises OSError."""
    if (given.directory / CURRENT).exists():
        return
    server = Server(given.directory, given.haproxy)
    wanted = Wanted(listening=Listening(0, 0, given.admin_address, given.directory / SOCKET))
    server.write(NOTHING, wanted.files(server.folder(NOTHING), NOTHING))
    server.switch(NOTHING)


def main() -> None:
    """The console script."""
    if "--prepare" in sys.argv[1:]:
        prepare(settings.load(CONFIG, IngressSettings))
        return
    component.run("ingress", IngressSettings, serve)
