"""How a command reaches the cluster: the client of the cluster that is meant, inside an event loop of its own."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from podlab.client.client import Client
from podlab.client.config import ClientConfig, load_client_config
from podlab.settings import SettingsError
from podlab.spans import traceparent

T = TypeVar("T")
_INTERRUPTED = 130  # what shells report for a command that SIGINT ended


def run(command: Callable[[Client], Awaitable[T]], *, field_manager: str = "") -> T:
    """Runs the command with a connected client. Raises what the command raises, and SettingsError.

    `field_manager` is what writes are put down to, as kubectl names each of its commands that write.
    """
    config = _config()

    told: set[str] = set()

    def warned(warning: str) -> None:  # what is tried before it is done is warned of twice
        if warning not in told:
            told.add(warning)
            typer.echo(f"Warning: {warning}", err=True)

    async def inside() -> T:
        trace = traceparent.accepted(os.environ.get(traceparent.ENVIRONMENT, ""))
        async with Client(
            config.server, config.tls, field_manager=field_manager, warned=warned, traceparent=trace
        ) as client:
            return await command(client)

    try:
        return asyncio.run(inside())
    except KeyboardInterrupt as error:
        raise typer.Exit(_INTERRUPTED) from error


def _config() -> ClientConfig:
    try:
        return load_client_config()
    except SettingsError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise SettingsError(f"{error}: bring the cluster up with `make up`") from error
        raise
