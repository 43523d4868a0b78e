"""`podlab console`: clusters in a browser, with the rights of one's own certificates and kubeconfig."""

import asyncio
import os
import sys
import webbrowser
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from podlab.cli.failures import CommandError
from podlab.client.config import home
from podlab.console import clusters, pages
from podlab.console.relay import Relay
from podlab.console.server import LOOPBACK, Console, serving
from podlab.console.sessions import Sessions
from podlab.console.upstream import UpstreamError

_PORT = 7480
_INTERRUPTED = 130


def console(
    port: Annotated[int, typer.Option(help="The port on loopback.", min=1, max=65535)] = _PORT,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")] = True,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Clusters of this kubeconfig, too. Default: those of KUBECONFIG, or of ~/.kube/config."),
    ] = None,
) -> None:
    """Look at clusters in a browser, and work with them, until interrupted.

    \b
    podlab console
    podlab console --no-browser --port 8080
    """
    files = (kubeconfig,) if kubeconfig is not None else kubeconfigs(os.environ, Path.home())
    homes = (Path.cwd(), *Path.cwd().parents, Path(sys.prefix).parent, home())
    try:
        asyncio.run(_serve(port, browser, clusters.Followed(partial(clusters.find, homes, files))))
    except UpstreamError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(_INTERRUPTED) from error


def kubeconfigs(environment: Mapping[str, str], user: Path) -> tuple[Path, ...]:
    """The files that kubectl would read, of those that there are."""
    named = [Path(each) for each in environment.get("KUBECONFIG", "").split(os.pathsep) if each]
    return tuple(path for path in named or [user / ".kube/config"] if path.is_file())


def has_screen(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser would open a window: without one, Python takes a browser for terminals."""
    return platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


async def _serve(port: int, browser: bool, find: clusters.Followed) -> None:
    folder = pages.folder()
    found = find()
    for trouble in found.troubles:
        typer.echo(f"warning: {trouble}", err=True)
    if not found.upstreams:
        raise CommandError("no cluster in .podlab or in a kubeconfig: bring one up with `make up` or `podlab up`")
    async with Relay() as relay:
        made = Console(port, folder, Sessions(partial(_announce, port)), relay, find)
        try:
            async with serving(made):
                link = _link(port, made.sessions.offer())
                if browser and has_screen(os.environ, sys.platform):
                    await asyncio.to_thread(webbrowser.open, link)
                await asyncio.Event().wait()
        except OSError as error:
            raise CommandError(f"port {port} of {LOOPBACK}: {error.strerror}: name another with --port") from error


def _link(port: int, token: str) -> str:
    return f"http://{LOOPBACK}:{port}/login?token={token}"


def _announce(port: int, token: str) -> None:
    typer.echo(f"{_link(port, token)}   (opens once; the next link follows)")
