"""Asks the API server for everything: its objects, and what Secrets hold, so that it can be left out wherever it is."""

import asyncio
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
from google.protobuf.message import Message

from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.client.client import Client, Listed
from podlab.client.config import ClientConfig, load_client_config_of
from podlab.deploy.support.objects import cleaned, secret_values
from podlab.errors import ApiError
from podlab.kinds import builtin
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.served import ServedDefinitions
from podlab.settings import SettingsError

WITHIN_S: Final = 5.0
ALL_WITHIN_S: Final = 120.0


@dataclass(frozen=True)
class Asked:
    """`files` by their path in the bundle; `secrets` by value; `failures` say what could not be asked, and why."""

    files: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


def ask(directory: Path) -> Asked:
    """All objects of the cluster whose directory in `.podlab` this is, as far as it answers."""
    asked = Asked()
    try:
        config = load_client_config_of(directory)
        _somebody_listens(config)
        asyncio.run(_ask(config, asked))
    except TimeoutError:
        asked.failures.append(f"the API server did not tell all its objects within {ALL_WITHIN_S:.0f} s")
    except (SettingsError, ApiError, OSError) as error:
        asked.failures.append(f"the API server was not asked for objects: {error}")
    return asked


def _somebody_listens(config: ClientConfig) -> None:
    """Raises OSError at once where gRPC would try again and again."""
    errors = []
    for server in config.server.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            return socket.create_connection((host.strip("[]"), int(port)), WITHIN_S).close()
        except OSError as error:
            errors.append(f"{server}: {error}")
    raise OSError("; ".join(errors))


async def _ask(config: ClientConfig, asked: Asked) -> None:
    async with asyncio.timeout(ALL_WITHIN_S), Client(config.server, config.tls, user_agent="podlab-support") as client:
        kinds = CurrentCatalog(builtin.catalog())
        found = await client.discover()
        ServedDefinitions(kinds).take((one.metadata.name, one) for one in found)
        for kind in kinds.catalog.stored:
            await _take(client, kind, asked)


async def _take(client: Client, kind: Kind, asked: Asked) -> None:
    try:
        listed: Listed[Message] = await client.list(kind)
        items = [codec.to_dict(each) for each in listed.items]
    except ApiError as error:
        asked.failures.append(f"{kind.plural}: {error}")
        return
    if kind.name == "Secret":
        asked.secrets.update(secret_values(items))
    if items:
        text = orjson.dumps([cleaned(each) for each in items], option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        asked.files[f"cluster/objects/{kind.group or 'core'}/{kind.plural}.json"] = f"{text.decode()}\n"
