"""/openapi/v2 and /openapi/v3."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from master.apiserver.rest.content import negotiation, responses
from master.apiserver.rest.content.openapi_documents import V2_JSON, V2_PROTOBUF, Published, Sent
from podlab.errors import NotAcceptable, NotFound

ROOT = "/openapi"
# Asked for in either spelling; answered in the first, for Go reads no @ in a media type.
_PROTOBUF = (
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
)
_JSON = (negotiation.JSON, "*/*", "application/*")
# A document that is asked for by its hash never changes.
_FOR_EVER = "public, immutable, max-age=31536000"


@dataclass(frozen=True, slots=True)
class OpenApi:
    """Answers what is below /openapi."""

    published: Published

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """A document, or the index of those of v3. Raises NotFound, NotAcceptable."""
        match request.path.removeprefix(f"{ROOT}/").strip("/").partition("/"):
            case "v2", "", "":
                return await self._v2(request)
            case "v3", _, "":
                _form(request, _JSON)
                found = await self.published.v3()
                places = {
                    place: {"serverRelativeURL": f"{ROOT}/v3/{place}?hash={sent.digest}"}
                    for place, sent in found.items()
                }
                return responses.data({"paths": places})
            case "v3", _, place:
                return await self._v3(request, place)
        raise NotFound("the server could not find the requested resource")

    async def _v2(self, request: web.BaseRequest) -> web.StreamResponse:
        form = _form(request, (*_JSON, *_PROTOBUF))
        found = await self.published.v2()
        if form in _PROTOBUF:
            return _sent(request, found[V2_PROTOBUF], _PROTOBUF[0])
        return _sent(request, found[V2_JSON], negotiation.JSON)

    async def _v3(self, request: web.BaseRequest, place: str) -> web.StreamResponse:
        _form(request, _JSON)
        sent = (await self.published.v3()).get(place)
        if sent is None:
            raise NotFound("the server could not find the requested resource")
        asked = request.query.get("hash")
        if asked not in (None, sent.digest):
            return web.Response(status=301, headers={"Location": f"{ROOT}/v3/{place}?hash={sent.digest}"})
        return _sent(request, sent, negotiation.JSON, lasting=asked is not None)


def _form(request: web.BaseRequest, known: tuple[str, ...]) -> str:
    """The first form that the client takes and we have. Raises NotAcceptable."""
    for media_type in negotiation.media_types(request.headers.get("Accept", "")):
        if media_type in known:
            return media_type
    raise NotAcceptable(
        f"only the following media types are accepted: {', '.join(form for form in known if '*' not in form)}"
    )


def _sent(request: web.BaseRequest, sent: Sent, media_type: str, *, lasting: bool = False) -> web.StreamResponse:
    headers = {"ETag": f'"{sent.digest}"', "Vary": "Accept, Accept-Encoding", "Content-Type": media_type}
    headers["Cache-Control"] = _FOR_EVER if lasting else "no-cache, private"
    if f'"{sent.digest}"' in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=sent.compressed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=sent.plain(), headers=headers)
