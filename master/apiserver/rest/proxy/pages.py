"""Answers of proxied servers, whose links are made to lead through the proxy."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict

from master.apiserver.rest.proxy import headers
from master.apiserver.rest.proxy.forwarding import Answer
from master.apiserver.rest.proxy.links import Links

HTML = "text/html"
# A longer page is passed on as it is.
MOST_BYTES = 4 << 20
# A longer one is read in a thread, so that nobody else waits for it.
LONG_BYTES = 64 << 10
_GZIP = 16 + zlib.MAX_WBITS


async def linked(response: aiohttp.ClientResponse, links_of: Callable[[aiohttp.ClientResponse], Links]) -> Answer:
    """The answer with its links rewritten: the header Location, or else those of a page of HTML."""
    told = headers.answered(response.headers)
    location, media_type = told.get(hdrs.LOCATION, ""), told.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip()
    if location:
        told[hdrs.LOCATION] = links_of(response).rewritten(location)
        return Answer(told)
    encoding = told.get(hdrs.CONTENT_ENCODING, "")
    if media_type != HTML or encoding not in ("", "gzip") or response.method == hdrs.METH_HEAD:
        return Answer(told)
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > MOST_BYTES:
            return Answer(told, bytes(content))
    return await _rewritten(bytes(content), links_of(response), told, packed=bool(encoding))


async def _rewritten(content: bytes, links: Links, told: CIMultiDict[str], *, packed: bool) -> Answer:
    rewrite = _packed if packed else _plain
    if len(content) > LONG_BYTES:
        made = await asyncio.to_thread(rewrite, content, links)
    else:
        made = rewrite(content, links)
    if hdrs.CONTENT_LENGTH in told:
        told[hdrs.CONTENT_LENGTH] = str(len(made))
    return Answer(told, made)


def _plain(content: bytes, links: Links) -> bytes:
    """Bytes that are no UTF-8 stay as they are."""
    text = content.decode("utf-8", "surrogateescape")
    return links.rewritten_html(text).encode("utf-8", "surrogateescape")


def _packed(content: bytes, links: Links) -> bytes:
    """The same of what gzip has made; as it is when that cannot be read, or is too long."""
    reader = zlib.decompressobj(_GZIP)
    try:
        text = reader.decompress(content, MOST_BYTES)
    except zlib.error:
        return content
    if not reader.eof:
        return content
    writer = zlib.compressobj(wbits=_GZIP)
    return writer.compress(_plain(text, links)) + writer.flush()
