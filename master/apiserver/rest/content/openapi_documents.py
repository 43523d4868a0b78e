"""The documents as they are sent: made when somebody first asks, and kept compressed.

Making them takes long enough for others to notice, so it is done in a thread. What is kept is small: the documents
compress to a twentieth.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Protocol

import orjson

from master.apiserver.aggregation import described
from master.apiserver.aggregation.discovered import Object
from master.apiserver.aggregation.documents import Documents
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.openapi import documents, protobuf, swagger
from master.apiserver.openapi.documents import Served
from podlab.kinds.catalog import Catalog
from podlab.kinds.current import CurrentCatalog

V2_JSON, V2_PROTOBUF = "json", "protobuf"
_LEVEL = 6

log = logging.getLogger(__name__)


class DocumentsOfOthers(Protocol):
    """What other servers say of their group versions; `version` is another one when that is."""

    @property
    def version(self) -> int: ...
    @property
    def known(self) -> Mapping[GroupVersion, Documents]: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """One document. `digest` differs when its content does."""

    digest: str
    compressed: bytes

    def plain(self) -> bytes:
        """For clients that take no compression."""
        return gzip.decompress(self.compressed)


@dataclass(slots=True)
class Published:
    """Documents by their place below /openapi/v3, and the two forms of v2. `version` is the server's.

    A change of the kinds makes those anew that it is about: a definition of a kind that of its group and version. Those
    of group versions that other servers have are theirs.
    """

    kinds: CurrentCatalog
    version: str
    elsewhere: DocumentsOfOthers
    _made_of: tuple[int, int] = (0, 0)
    _served: Mapping[str, Served] = field(default_factory=dict)
    _others: Mapping[str, Documents] = field(default_factory=dict)
    _v3: Mapping[str, Sent] = field(default_factory=dict)
    _v2: Mapping[str, Sent] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def v3(self) -> Mapping[str, Sent]:
        """By place: api/v1, apis/apps/v1."""
        async with self._making:
            await self._follow()
            return self._v3

    async def v2(self) -> Mapping[str, Sent]:
        """By form."""
        async with self._making:
            await self._follow()
            if not self._v2:
                mine = [sent for place, sent in self._v3.items() if place not in self._others]
                self._v2 = await asyncio.to_thread(_merged, mine, list(self._others.values()))
            return self._v2

    async def _follow(self) -> None:
        """Make what is kept tell of the kinds that there are."""
        catalog, made_of = self.kinds.catalog, (self.kinds.catalog.version, self.elsewhere.version)
        if self._made_of != made_of:
            others = {at.path.lstrip("/"): said for at, said in self.elsewhere.known.items()}
            self._v3 = await asyncio.to_thread(self._make, catalog, others)
            self._served, self._v2, self._made_of = documents.places(catalog), {}, made_of
            self._others = others

    def _make(self, catalog: Catalog, others: Mapping[str, Documents]) -> dict[str, Sent]:
        groups, told = documents.built_in_groups(catalog), descriptions()
        made: dict[str, Sent] = {}
        for place, served in {documents.VERSION: (), **documents.places(catalog)}.items():
            if place in others:
                continue
            if place in self._v3 and place not in self._others and self._served.get(place, ()) == served:
                made[place] = self._v3[place]
            elif place == documents.VERSION:
                made[place] = _sent(documents.version_document(self.version))
            else:
                made[place] = _sent(documents.document(served, groups, told, self.version))
        return made | {place: _compressed(said.v3) for place, said in others.items() if said.v3}


def descriptions() -> dict[str, str]:
    """What the .proto files say of messages and fields, by their full names."""
    told: dict[str, str] = orjson.loads(files("podlab").joinpath("descriptions.json").read_bytes())
    return told


def _merged(mine: Iterable[Sent], others: Iterable[Documents]) -> dict[str, Sent]:
    """The forms of v2: of all documents of v3, and of what others say in theirs of v2."""
    document = readable = swagger.document(orjson.loads(sent.plain()) for sent in mine)
    for part in (said.v2 for said in others if said.v2 is not None):
        document = described.merged(document, part)
        readable = described.merged(readable, part) if _has_binary_form(part) else readable
    return {V2_JSON: _sent(document), V2_PROTOBUF: _compressed(protobuf.encoded(readable))}


def _has_binary_form(part: Object) -> bool:
    """Whether what another server says can be written as protobuf: it may have forms that ours never has."""
    try:
        protobuf.encoded({"swagger": "2.0", "info": {}, **part})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.info("of %s there is OpenAPI v2 as JSON alone: %r", ", ".join(list(part["paths"])[:1]), error)
        return False
    return True


def _sent(document: Mapping[str, object]) -> Sent:
    return _compressed(orjson.dumps(document))


def _compressed(content: bytes) -> Sent:
    return Sent(hashlib.sha256(content).hexdigest().upper(), gzip.compress(content, _LEVEL, mtime=0))
