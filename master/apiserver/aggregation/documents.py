"""What other servers say of their kinds, to clients that discover and describe them: read in the background.

A server that cannot be reached leaves what it said before, marked as stale; one that never said anything leaves an
empty group version, so that clients know that something is missing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from master.apiserver.aggregation import described, discovered
from master.apiserver.aggregation.described import OPENAPI_V2, OPENAPI_V3
from master.apiserver.aggregation.discovered import Malformed, Object, Resources
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.aggregation.registration import is_available
from master.apiserver.aggregation.remote import RemoteServers
from master.apiserver.aggregation.services import ApiServices
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.client.workqueue import WorkQueue, run_workers
from podlab.errors import ApiError, ServiceUnavailable

# As kube-aggregator reads discovery and OpenAPI anew.
EVERY_S = 60.0
WORKERS = 2
_JSON: Final = "application/json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Documents:
    """What one server says of one group version. Never changed; another takes its place."""

    resources: Resources = field(default_factory=list)
    is_current: bool = False
    """Whether it said so when it was asked last."""
    discovery_tag: str = ""
    v3: bytes = b""
    """Its OpenAPI v3 document, when it has one."""
    v3_url: str = ""
    """Where it was read: another one when its content is."""
    v2: Object | None = None
    """What of its OpenAPI v2 document is about the group version."""
    v2_tag: str = ""


class RemoteDocuments:
    """`run` for ever, once `ApiServices` has started. Lives in the event loop."""

    def __init__(self, services: ApiServices, servers: RemoteServers, *, every_s: float = EVERY_S) -> None:
        self._services = services
        self._servers = servers
        self._every_s = every_s
        self._known: dict[GroupVersion, Documents] = {}
        self._asked: dict[GroupVersion, tuple[bytes, bool]] = {}
        self._queue: WorkQueue[GroupVersion] = WorkQueue()
        self._followers: list[Callable[[], None]] = []
        self.version = 1
        """Another one when what is known is."""

    def follow(self, follower: Callable[[], None]) -> None:
        """Call it when what is known changes."""
        self._followers.append(follower)

    @property
    def known(self) -> Mapping[GroupVersion, Documents]:
        """By group version, for each that another server answers for."""
        return self._known

    async def run(self) -> None:
        """Read what each says when its APIService changes, and now and then."""
        self._services.follow(self._changed)
        await run_workers(self._queue, self._reconcile, workers=WORKERS, name="discovery")

    def _changed(self, at: GroupVersion) -> None:
        service = self._services.remote(at)
        if service is None:
            self._asked.pop(at, None)
            self._put(at, None)
            return
        asked = service.spec.SerializeToString(deterministic=True), is_available(service)
        if self._asked.get(at) != asked:
            self._asked[at] = asked
            if at not in self._known:
                self._put(at, Documents())
            self._queue.add(at)

    def _put(self, at: GroupVersion, documents: Documents | None) -> None:
        if self._known.get(at) == documents:
            return
        self.version += 1
        if documents is None:
            self._known.pop(at, None)
        else:
            self._known[at] = documents
        for follower in self._followers:
            follower()

    async def _reconcile(self, at: GroupVersion) -> None:
        service, before = self._services.remote(at), self._known.get(at)
        if service is None or before is None:
            return
        self._queue.add_after(at, self._every_s)
        try:
            if not is_available(service):
                raise ServiceUnavailable("service unavailable")
            after = await self._discovered(at, service, before)
        except (ApiError, Malformed) as error:
            log.info("%s: what it serves is not known anew: %s", at.service_name, error)
            after = replace(before, is_current=False)
        else:
            after = await self._described(at, service, after)
        if self._services.remote(at) is not None:
            self._put(at, after)

    async def _discovered(self, at: GroupVersion, service: APIService, before: Documents) -> Documents:
        """Raises ApiError, Malformed."""
        tag = {"If-None-Match": before.discovery_tag} if before.discovery_tag else {}
        root = "/apis" if at.group else "/api"
        answer = await self._servers.read(service, root, {"Accept": f"{discovered.ACCEPT},{_JSON}", **tag})
        if answer.status == 304:
            return replace(before, is_current=True)
        if answer.status == 200 and "as=APIGroupDiscoveryList" in answer.headers.get("Content-Type", ""):
            found = discovered.of_aggregated(_parsed(answer.body), at) or []
            return replace(before, resources=found, is_current=True, discovery_tag=answer.headers.get("ETag", ""))
        answer = await self._servers.read(service, at.path, {"Accept": _JSON})
        if answer.status != 200:
            raise ServiceUnavailable(f"{at.path} answers {answer.status}")
        found = discovered.of_legacy(_parsed(answer.body), at)
        return replace(before, resources=found, is_current=True, discovery_tag="")

    async def _described(self, at: GroupVersion, service: APIService, before: Documents) -> Documents:
        """What it had stays where it has nothing that can be read: kinds are served all the same."""
        after = before
        for read in (self._read_v3, self._read_v2):
            try:
                after = await read(at, service, after)
            except (ApiError, Malformed) as error:
                log.info("%s: how its kinds are described is not known anew: %s", at.service_name, error)
        return after

    async def _read_v3(self, at: GroupVersion, service: APIService, before: Documents) -> Documents:
        answer = await self._servers.read(service, OPENAPI_V3, {"Accept": _JSON})
        if answer.status != 200:
            return replace(before, v3=b"", v3_url="")
        url = described.url_in_index(_parsed(answer.body), at)
        if url == before.v3_url:
            return before
        if not url:
            return replace(before, v3=b"", v3_url="")
        answer = await self._servers.read(service, url, {"Accept": _JSON})
        if answer.status != 200:
            raise ServiceUnavailable(f"{url} answers {answer.status}")
        content = await asyncio.to_thread(described.v3, answer.body)
        return replace(before, v3=content, v3_url=url)

    async def _read_v2(self, at: GroupVersion, service: APIService, before: Documents) -> Documents:
        tag = {"If-None-Match": before.v2_tag} if before.v2_tag else {}
        answer = await self._servers.read(service, OPENAPI_V2, {"Accept": _JSON, **tag})
        if answer.status == 304:
            return before
        if answer.status != 200:
            return replace(before, v2=None, v2_tag="")
        part = await asyncio.to_thread(described.v2, answer.body, at)
        return replace(before, v2=part, v2_tag=answer.headers.get("ETag", ""))


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"it is no JSON: {error}") from error
