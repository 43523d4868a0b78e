"""A request's body: received within bounds, and parsed once for all who look into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import StreamReader, web

from master.apiserver.flowcontrol.inflight_limits import REQUEST_BYTES, Reserve
from master.apiserver.rest.content import protobuf
from podlab.api.kinds import Kind
from podlab.api.serializer import manifest, settling, weight
from podlab.api.serializer.decoding import Problems
from podlab.errors import BadRequest, RequestTooLarge, Timeout, UnsupportedMediaType

# A body that takes longer than this to arrive is not waited for.
BODY_LIMIT_S = 30.0
# YAML takes a hundred times as long as JSON.
YAML_BYTES = 256 << 10
JSON, YAML = "application/json", ("application/yaml", "application/x-yaml")


class Body:
    """What came in, and what it was parsed to, until a handler takes that."""

    __slots__ = ("_envelope", "_value", "content", "media_type")

    def __init__(self, content: bytes, media_type: str) -> None:
        self.content = content
        self.media_type = media_type
        self._value: Any = None
        self._envelope: protobuf.ReceivedObject | None = None

    def take_value(self) -> Any:
        """What JSON or YAML says; it is the caller's. Raises BadRequest, RequestTooLarge, UnsupportedMediaType."""
        value, self._value = self._value, None
        return value if value is not None else parsed(self.content, self.media_type, [])

    def take_envelope(self, kind: Kind) -> protobuf.ReceivedObject:
        """The object in protobuf; it is the caller's. Raises BadRequest, RequestTooLarge."""
        envelope, self._envelope = self._envelope, None
        return envelope if envelope is not None else protobuf.read(self.content, kind)

    def json(self, kind: Kind) -> bytes:
        """As JSON, whatever form it was sent in; nothing for what cannot be read. What was parsed waits to be taken."""
        if not self.content:
            return b""
        try:
            if self.media_type == protobuf.MEDIA_TYPE:
                self._envelope = self.take_envelope(kind)
                settling.settle(self._envelope.message, Problems())
                return orjson.dumps(self._envelope.data())
            if self.media_type.endswith("patch+yaml"):
                form = JSON if self.content.lstrip().startswith(b"{") else YAML[0]
                return orjson.dumps(parsed(self.content, form, []))
            if self.media_type.endswith("patch+json"):
                return orjson.dumps(parsed(self.content, JSON, []))
            self._value = self.take_value()
            return orjson.dumps(self._value)
        except (BadRequest, RequestTooLarge, UnsupportedMediaType, ValueError, TypeError):
            return b""


_BODY = web.RequestKey("body", Body)
_NONE = Body(b"", "")


def received(request: web.BaseRequest) -> Body:
    """The whole body, which came in before the request's turn; nothing for requests that stream."""
    body: Body = request.get(_BODY, _NONE)
    return body


async def receive(request: web.BaseRequest, user: str, hold: Reserve) -> None:
    """Keep the whole body with the request, for `received`; `hold` is told of its size.

    Raises RequestTooLarge, Timeout, TooManyRequests, and UnsupportedMediaType for a compressed one.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("the body of the request is compressed, which this server does not read")
    expected = request.content_length or 0
    if expected > REQUEST_BYTES:
        raise _too_large()
    hold(user, expected)
    received_bytes = expected

    def count(size_bytes: int) -> None:
        nonlocal received_bytes
        if size_bytes > REQUEST_BYTES:
            raise _too_large()
        if size_bytes > received_bytes:
            hold(user, size_bytes - received_bytes)
            received_bytes = size_bytes

    request[_BODY] = Body(await _content(request.content, count), media_type(request))


async def _content(stream: StreamReader, count: Callable[[int], None]) -> bytes:
    """All of it; `count` is told how much there is. Small ones are there with the request's head."""
    if stream.is_eof():
        whole = stream.read_nowait()
        count(len(whole))
        return whole
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            async for chunk in stream.iter_any():
                content += chunk
                count(len(content))
    except TimeoutError as error:
        raise Timeout(f"the request's body did not arrive within {BODY_LIMIT_S:.0f} s; send it again") from error
    return bytes(content)


def media_type(request: web.BaseRequest) -> str:
    """Of the body, without parameters; JSON when nothing is said."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() or JSON


def parsed(content: bytes, form: str, repeated: list[str]) -> Any:
    """What JSON or YAML says; `repeated` hears of keys that YAML gives twice.

    Raises BadRequest, RequestTooLarge, UnsupportedMediaType.
    """
    if form in YAML:
        return _yaml(content, repeated)
    if form == JSON:
        weight.check_json(content)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body of the request is malformed JSON: {error}") from error
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {JSON}, "
        f"{YAML[0]}; found {form}"
    )


def _yaml(content: bytes, repeated: list[str]) -> Any:
    """The only document."""
    if len(content) > YAML_BYTES:
        raise RequestTooLarge(f"Request entity too large: limit is {YAML_BYTES} for YAML; send JSON")
    try:
        documents = manifest.read(content.decode(), repeated)
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body of the request is not UTF-8: {error}") from error
    if len(documents) != 1:
        raise BadRequest(f"the body of the request must be one YAML document, found {len(documents)}")
    return documents[0].data


def _too_large() -> RequestTooLarge:
    return RequestTooLarge(f"Request entity too large: limit is {REQUEST_BYTES}")
