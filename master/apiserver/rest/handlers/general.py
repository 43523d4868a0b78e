"""What is about no objects: health and version for everybody; discovery and OpenAPI for whom we know."""

from __future__ import annotations

import asyncio
import platform
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from master.apiserver.aggregation.aggregator import Aggregator
from master.apiserver.filters.metrics import MEDIA_TYPE as METRICS
from master.apiserver.filters.metrics import Metrics
from master.apiserver.openapi import discovery
from master.apiserver.request.paths import UNKNOWN
from master.apiserver.rest.content import negotiation, responses
from master.apiserver.rest.handlers import health
from master.apiserver.rest.handlers.health import Health
from master.apiserver.rest.handlers.openapi import OpenApi
from master.apiserver.rest.handlers.tokens import Tokens
from podlab import GIT_VERSION, KUBERNETES_MINOR
from podlab.errors import MethodNotAllowed, NotFound
from podlab.kinds.current import CurrentCatalog


@dataclass(frozen=True, slots=True)
class General:
    """Answers by the first part of the path."""

    kinds: CurrentCatalog
    health: Health
    openapi: OpenApi
    metrics: Metrics
    tokens: Tokens
    aggregator: Aggregator

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Raises NotFound, MethodNotAllowed."""
        path = request.path.strip("/")
        root, *rest = path.split("/")
        if root in health.PATHS or path == "version":
            _only_get(request)
            return responses.data(_version()) if root == "version" else await self.health.answer(request)
        if request.path in self.tokens.documents:
            _only_get(request)
            return self.tokens.document(request.path)
        if root not in ("api", "apis", "metrics", "openapi"):
            raise NotFound(UNKNOWN)
        _only_get(request)
        if root == "metrics":
            return responses.text(await asyncio.to_thread(self.metrics.text), media_type=METRICS)
        return await self.openapi.answer(request) if root == "openapi" else self._discovered(root, rest, request)

    def _discovered(self, root: str, rest: list[str], request: web.BaseRequest) -> web.Response:
        """What discovery answers. Raises NotFound."""
        catalog, order = self.kinds.catalog, self.aggregator.order()
        if not rest:
            asked = negotiation.aggregated_discovery(request.headers.get("Accept", ""))
            if asked:
                wanted = partial(_is_below, root)
                found = discovery.aggregated(catalog, asked, order, self.aggregator.elsewhere, wanted)
                media_type = f"{negotiation.JSON};g=apidiscovery.k8s.io;v={asked};as=APIGroupDiscoveryList"
                return responses.data(found, media_type=media_type)
            return responses.data(discovery.groups(order) if root == "apis" else discovery.core_versions(request.host))
        if root == "apis" and len(rest) == 1:
            return responses.data(discovery.group(order, rest[0]))
        return responses.data(discovery.resources(catalog, *(("", rest[0]) if root == "api" else rest)))


def _is_below(root: str, group: str) -> bool:
    return bool(group) is (root == "apis")


def is_general(path: str) -> bool:
    """Whether it is about no objects: `/`, `/api`, `/api/v1`, `/apis/apps/v1`, `/healthz`."""
    root, *rest = path.strip("/").split("/")
    return len(rest) < {"api": 2, "apis": 3}.get(root, 1 << 30)


def _only_get(request: web.BaseRequest) -> None:
    if request.method != "GET":
        raise MethodNotAllowed(
            f"the server does not allow this method on the requested resource: {request.method} on {request.path}"
        )


def _version() -> dict[str, str]:
    return {
        "major": "1",
        "minor": KUBERNETES_MINOR,
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "",
        "goVersion": "",
        "compiler": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }
