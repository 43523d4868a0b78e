"""A server of webhooks for tests: it listens on HTTPS, answers as it is told, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from podlab_testing.pod_servers import ServerAuthority
from podlab_testing.waiting import WITHIN_S

LOOPBACK = "127.0.0.1"
Answer = Mapping[str, Any]
"""How to answer: see `WebhookServer`."""
Answering = Callable[[Mapping[str, Any]], Answer | Awaitable[Answer]]
"""Answers an AdmissionRequest."""


@dataclass
class WebhookServer:
    """Each webhook has a path of its own, `/NAME`. An answer says one of these, or nothing to allow:

    `deny`: a Status; `patch`: operations of a JSON patch; `response`: fields of the response; `review`: the whole
    review, in which `$UID` stands for the request's uid; `raw`: the body; `status`: HTTP's; `location`: a redirect;
    `hang`: no answer; `hang_up`: the end of the connection. A function answers by what is asked.
    """

    authority: ServerAuthority
    answers: dict[str, Answer | Answering] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Which webhook was asked, and its AdmissionRequest."""
    hanging: int = 0
    """How many requests wait for an answer that does not come."""
    most_hanging: int = 0
    _port: int = 0
    _runner: web.ServerRunner | None = None
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self._port}"

    async def start(self) -> None:
        server = web.Server(self.handle, handler_cancellation=True)  # who leaves is not waited for
        self._runner = web.ServerRunner(server, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, 0, ssl_context=self.authority.server(LOOPBACK))
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        self._leaving.set()
        assert self._runner is not None
        await self._runner.cleanup()

    def client(self, name: str) -> dict[str, Any]:
        """The clientConfig of a webhook."""
        return {"url": f"{self.url}/{name}", "caBundle": base64.b64encode(self.authority.bundle).decode()}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        name, review = request.path.strip("/"), orjson.loads(await request.read())
        asked = review["request"]
        self.asked.append((name, asked))
        said = self.answers.get(name, {})
        answered = said(asked) if callable(said) else said
        answer = await answered if isinstance(answered, Awaitable) else answered
        if answer.get("hang"):
            await self._hang()
        if answer.get("hang_up"):
            assert request.transport is not None
            request.transport.abort()
        if "location" in answer:
            return web.Response(status=answer.get("status", 307), headers={"Location": answer["location"]})
        if "raw" in answer or "status" in answer:
            return web.Response(status=answer.get("status", 200), body=str(answer.get("raw", "")).encode())
        if "review" in answer:
            text = orjson.dumps(answer["review"]).decode().replace("$UID", asked["uid"])
            return web.Response(text=text, content_type="application/json")
        return web.json_response(_review(review["apiVersion"], asked["uid"], answer))

    async def _hang(self) -> None:
        await self._count(1)
        try:
            await self._leaving.wait()
        finally:
            await asyncio.shield(self._count(-1))

    async def _count(self, more: int) -> None:
        async with self._changed:
            self.hanging += more
            self.most_hanging = max(self.most_hanging, self.hanging)
            self._changed.notify_all()

    async def until_hanging(self, count: int) -> None:
        """Returns once so many requests wait for an answer."""
        try:
            async with asyncio.timeout(WITHIN_S), self._changed:
                await self._changed.wait_for(lambda: self.hanging == count)
        except TimeoutError as error:
            raise AssertionError(f"{self.hanging} requests wait for an answer, not {count}") from error

    def names(self) -> Sequence[str]:
        """Who was asked, in order."""
        return [name for name, _ in self.asked]


def _review(api_version: str, uid: str, answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {"uid": uid, "allowed": "deny" not in answer}
    if "deny" in answer:
        response["status"] = answer["deny"]
    if "patch" in answer:
        response["patch"] = base64.b64encode(orjson.dumps(answer["patch"])).decode()
        response["patchType"] = "JSONPatch"
    return {"apiVersion": api_version, "kind": "AdmissionReview", "response": response | answer.get("response", {})}
