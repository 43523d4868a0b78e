"""What other API servers hold in a namespace: it goes with the namespace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import orjson

from master.apiserver.aggregation.discovered import Object
from master.apiserver.aggregation.documents import RemoteDocuments
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.aggregation.registration import is_available
from master.apiserver.aggregation.remote import RemoteServers
from master.apiserver.aggregation.services import ApiServices
from podlab.apiregistration.v1.apiservice_pb2 import APIService
from podlab.errors import ApiError, InternalError

_GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


@dataclass(frozen=True, slots=True)
class LeftContent:
    """Objects of one resource that are still there. `finalizers` has those of each of them."""

    resource: str
    count: int
    finalizers: tuple[str, ...]


@dataclass(slots=True)
class NamespaceContent:
    """What came of emptying a namespace: what is left, what went wrong, and whose content is not known."""

    left: list[LeftContent]
    failures: list[str]
    undiscovered: list[str]


@dataclass(frozen=True, slots=True)
class NamespaceContents:
    """Asked by those who empty namespaces."""

    services: ApiServices
    servers: RemoteServers
    documents: RemoteDocuments

    async def empty(self, namespace: str) -> NamespaceContent:
        """Delete all that other servers hold in the namespace."""
        made = NamespaceContent([], [], [])
        for at, service in list(self.services.remotes.items()):
            known = self.documents.known.get(at)
            if known is None or not known.is_current or not is_available(service):
                made.undiscovered.append(at.api_version)
                continue
            for resource in _deletable(known.resources):
                try:
                    left = await self._emptied(service, at, resource, namespace)
                except ApiError as error:
                    made.failures.append(error.message)
                else:
                    made.left.extend(left)
        return made

    async def _emptied(
        self, service: APIService, at: GroupVersion, resource: Object, namespace: str
    ) -> list[LeftContent]:
        """Raises ApiError."""
        name, verbs = resource["resource"], resource["verbs"]
        path = f"{at.path}/namespaces/{namespace}/{quote(name, safe='')}"
        if "deletecollection" in verbs:
            await self._asked(service, "DELETE", path)
        elif "list" in verbs:
            for one in await self._listed(service, path):
                await self._asked(service, "DELETE", f"{path}/{quote(_name(one), safe='')}")
        if "list" not in verbs:
            return []
        found = await self._listed(service, path)
        finalizers = tuple(each for one in found for each in _finalizers(one))
        return [LeftContent(f"{name}.{at.group}", len(found), finalizers)] if found else []

    async def _listed(self, service: APIService, path: str) -> list[Object]:
        """Raises ApiError."""
        try:
            items = orjson.loads(await self._asked(service, "GET", path)).get("items") or []
        except (orjson.JSONDecodeError, AttributeError) as error:
            raise InternalError(f"the answer to GET {path} is no list: {error}") from error
        return [one for one in items if isinstance(one, dict)]

    async def _asked(self, service: APIService, method: str, path: str) -> bytes:
        """Raises ApiError."""
        answer = await self.servers.ask(service, method, path, {"Accept": "application/json"})
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.status not in _GONE:
            raise InternalError(f"{method} {path} answers {answer.status}")
        return answer.body


def _deletable(resources: list[Object]) -> Iterator[Object]:
    return (one for one in resources if one["scope"] == "Namespaced" and "delete" in one["verbs"])


def _name(one: Object) -> str:
    return str((one.get("metadata") or {}).get("name", ""))


def _finalizers(one: Object) -> list[str]:
    return [str(each) for each in (one.get("metadata") or {}).get("finalizers") or ()]
