"""The documents as they are sent: made when somebody first asks, and kept compressed.

Making them takes long enough for others to notice, so it is done in a thread. What is kept is small: the documents
compress to a twentieth.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import orjson

from master.apiserver.openapi import documents, protobuf, swagger
from podlab.kinds.current import CurrentCatalog

Make = Callable[[], dict[str, bytes]]
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
    """Documents by their place below /openapi/v3, and the two forms of v2. `version` is the server's."""

    kinds: CurrentCatalog
    version: str
    _made_of: int = 0
    _v3: Mapping[str, Sent] = field(default_factory=dict)
    _v2: Mapping[str, Sent] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def v3(self) -> Mapping[str, Sent]:
        """By place: api/v1, apis/apps/v1."""
        async with self._making:
            self._forget_older()
            if not self._v3:
                self._v3 = await asyncio.to_thread(_compressed, self._make_v3)
            return self._v3

    async def v2(self) -> Mapping[str, Sent]:
        """By form."""
        async with self._making:
            self._forget_older()
            if not self._v2:
                self._v2 = await asyncio.to_thread(_compressed, self._make_v2)
            return self._v2

    def _forget_older(self) -> None:
        """What is kept tells of the kinds that there were."""
        if self._made_of != self.kinds.catalog.version:
            self._v3, self._v2, self._made_of = {}, {}, self.kinds.catalog.version

    def _make_v3(self) -> dict[str, bytes]:
        return {place: orjson.dumps(document) for place, document in self._documents().items()}

    def _make_v2(self) -> dict[str, bytes]:
        document = swagger.document(self._documents().values())
        return {V2_JSON: orjson.dumps(document), V2_PROTOBUF: protobuf.encoded(document)}

    def _documents(self) -> dict[str, dict[str, Any]]:
        return documents.all_of_v3(self.kinds.catalog, descriptions(), self.version)


def descriptions() -> dict[str, str]:
    """What the .proto files say of messages and fields, by their full names."""
    told: dict[str, str] = orjson.loads(files("podlab").joinpath("descriptions.json").read_bytes())
    return told


def _compressed(make: Make) -> dict[str, Sent]:
    return {
        name: Sent(hashlib.sha256(content).hexdigest().upper(), gzip.compress(content, _LEVEL, mtime=0))
        for name, content in make().items()
    }
