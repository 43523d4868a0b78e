"""The documents as they are sent: made when somebody first asks, and kept compressed.

Making them takes long enough for others to notice, so it is done in a thread. What is kept is small: the documents
compress to a twentieth.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

import orjson

from master.apiserver.openapi import documents, protobuf, swagger
from master.apiserver.openapi.documents import Served
from podlab.kinds.catalog import Catalog
from podlab.kinds.current import CurrentCatalog

V2_JSON, V2_PROTOBUF = "json", "protobuf"
_LEVEL = 6


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

    A change of the kinds makes those anew that it is about: a definition of a kind that of its group and version.
    """

    kinds: CurrentCatalog
    version: str
    _made_of: int = 0
    _served: Mapping[str, Served] = field(default_factory=dict)
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
                self._v2 = await asyncio.to_thread(_merged, self._v3)
            return self._v2

    async def _follow(self) -> None:
        """Make what is kept tell of the kinds that there are."""
        catalog = self.kinds.catalog
        if self._made_of != catalog.version:
            self._v3 = await asyncio.to_thread(self._make, catalog)
            self._served, self._v2, self._made_of = documents.places(catalog), {}, catalog.version

    def _make(self, catalog: Catalog) -> dict[str, Sent]:
        groups, told = documents.built_in_groups(catalog), descriptions()
        made: dict[str, Sent] = {}
        for place, served in {documents.VERSION: (), **documents.places(catalog)}.items():
            if place in self._v3 and self._served.get(place, ()) == served:
                made[place] = self._v3[place]
            elif place == documents.VERSION:
                made[place] = _sent(documents.version_document(self.version))
            else:
                made[place] = _sent(documents.document(served, groups, told, self.version))
        return made


def descriptions() -> dict[str, str]:
    """What the .proto files say of messages and fields, by their full names."""
    told: dict[str, str] = orjson.loads(files("podlab").joinpath("descriptions.json").read_bytes())
    return told


def _merged(v3: Mapping[str, Sent]) -> dict[str, Sent]:
    """The forms of v2, of all documents of v3."""
    document = swagger.document(orjson.loads(sent.plain()) for sent in v3.values())
    return {V2_JSON: _sent(document), V2_PROTOBUF: _compressed(protobuf.encoded(document))}


def _sent(document: Mapping[str, object]) -> Sent:
    return _compressed(orjson.dumps(document))


def _compressed(content: bytes) -> Sent:
    return Sent(hashlib.sha256(content).hexdigest().upper(), gzip.compress(content, _LEVEL, mtime=0))
