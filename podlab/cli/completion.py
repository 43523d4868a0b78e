"""Shell completion: kinds from the table of kinds, names from the cluster, quickly or not at all."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import typer
from google.protobuf.message import Message

from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.cli import discovery
from podlab.client.client import Client, Listed
from podlab.client.config import load_client_config
from podlab.errors import ApiError, NotFound
from podlab.kinds import builtin
from podlab.settings import SettingsError

_PATIENCE_S = 2.0
_CANNOT_BE_ASKED = (ApiError, SettingsError, OSError, TimeoutError)
T = TypeVar("T")


def resources(ctx: typer.Context, incomplete: str) -> list[str]:
    """Kinds first, then names of the kind that was given; KIND/NAME too."""
    given = [word for word in ctx.params.get("resources") or () if word != incomplete]
    if "/" in incomplete:
        word = incomplete.partition("/")[0]
        return _matching((f"{word}/{name}" for name in _names_of(word, ctx)), incomplete)
    if given:
        return _matching(_names_of(given[0], ctx), incomplete)
    return _matching((word for kind in _kinds() for word in (kind.plural, *kind.short_names)), incomplete)


def namespaces(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(_names_of("namespaces", ctx), incomplete)


def pods(ctx: typer.Context, incomplete: str) -> list[str]:
    """A pod's name, or KIND/NAME of what has pods."""
    word = incomplete.partition("/")[0]
    if "/" in incomplete:
        return _matching((f"{word}/{name}" for name in _names_of(word, ctx)), incomplete)
    return _matching(_names_of("pods", ctx), incomplete)


def nodes(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(_names_of("nodes", ctx), incomplete)


def rollouts(ctx: typer.Context, incomplete: str) -> list[str]:
    """What has rollouts, then its names; KIND/NAME too."""
    given = [word for word in ctx.params.get("resource") or () if word != incomplete]
    word, slash, _ = incomplete.partition("/")
    if slash:
        return _matching((f"{word}/{name}" for name in _names_of(word, ctx)), incomplete)
    return _matching(_names_of(given[0], ctx) if given else ("daemonset", "deployment", "statefulset"), incomplete)


def _matching(words: Iterable[str], incomplete: str) -> list[str]:
    return sorted(word for word in words if word.startswith(incomplete))


def _kinds() -> Iterable[Kind]:
    """The custom ones, too, if the cluster tells of them in time."""
    with contextlib.suppress(*_CANNOT_BE_ASKED):
        asyncio.run(_ask(discovery.ask))
    return discovery.known().stored


def _names_of(word: str, ctx: typer.Context) -> list[str]:
    """What is there now; nothing when the cluster cannot be asked, since a completion has nowhere to say so."""
    namespace = str(ctx.params.get("namespace") or "default")

    async def names(client: Client) -> list[str]:
        if not _is_builtin(word):
            await discovery.ask(client)
        kind = discovery.known().resolve(word)
        listed: Listed[Message] = await client.list(kind, namespace if kind.namespaced else "")
        return [metadata(item).name for item in listed.items]

    try:
        return asyncio.run(_ask(names))
    except _CANNOT_BE_ASKED:
        return []


def _is_builtin(word: str) -> bool:
    try:
        builtin.catalog().resolve(word)
    except NotFound:
        return False
    return True


async def _ask(question: Callable[[Client], Awaitable[T]]) -> T:
    config = load_client_config()
    async with (
        asyncio.timeout(_PATIENCE_S),
        Client(config.server, config.tls, user_agent="podlab-completion") as client,
    ):
        return await question(client)
