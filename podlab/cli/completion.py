"""Shell completion: kinds from the table of kinds, names from the cluster, quickly or not at all."""

import asyncio
from collections.abc import Iterable

import typer

from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.client.client import Client
from podlab.client.config import load_client_config
from podlab.errors import ApiError
from podlab.kinds import builtin
from podlab.settings import SettingsError

_PATIENCE_S = 2.0


def resources(ctx: typer.Context, incomplete: str) -> list[str]:
    """Kinds first, then names of the kind that was given; KIND/NAME too."""
    given = [word for word in ctx.params.get("resources") or () if word != incomplete]
    if "/" in incomplete:
        word = incomplete.partition("/")[0]
        return _matching((f"{word}/{name}" for name in _names_of(word, ctx)), incomplete)
    if given:
        return _matching(_names_of(given[0], ctx), incomplete)
    return _matching(
        (word for kind in builtin.catalog().stored for word in (kind.plural, *kind.short_names)), incomplete
    )


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


def _names_of(word: str, ctx: typer.Context) -> list[str]:
    """What is there now; nothing when the cluster cannot be asked, since a completion has nowhere to say so."""
    try:
        kind = builtin.catalog().resolve(word)
        return asyncio.run(_names(kind, str(ctx.params.get("namespace") or "default")))
    except (ApiError, SettingsError, OSError, TimeoutError):
        return []


async def _names(kind: Kind, namespace: str) -> list[str]:
    config = load_client_config()
    async with (
        asyncio.timeout(_PATIENCE_S),
        Client(config.server, config.tls, user_agent="podlab-completion") as client,
    ):
        listed = await client.list(kind.message, namespace if kind.namespaced else "")
    return [metadata(item).name for item in listed.items]
