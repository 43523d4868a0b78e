# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
"""Kubernetes' REST API, as far as the collection's modules need it."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from ansible_collections.podlab.cluster.plugins.module_utils.connection import Server

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PAUSE_S = 0.5
PAGE = 500


class ApiError(Exception):
    """The server refused, or could not be asked; the message is its own."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Resource:
    """What the server calls a kind in its paths."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        top = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        inside = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        return f"{top}{inside}/{self.plural}{f'/{quote(name)}' if name else ''}"


class Api:
    """One connection, used by one request after another."""

    def __init__(self, server: Server, timeout_s: float) -> None:
        self._server = server
        self._connection = http.client.HTTPSConnection(server.host, server.port, timeout=timeout_s, context=server.tls)
        self._listed: dict = {}

    def close(self) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body: object = None, content_type: str = JSON, **query: str) -> dict:
        """What the server answers. Raises ApiError, with code 0 where it did not."""
        headers = {"Accept": JSON, "Content-Type": content_type}
        if self._server.token:
            headers["Authorization"] = f"Bearer {self._server.token}"
        asked = f"{path}?{urlencode(query)}" if query else path
        try:
            self._connection.request(method, asked, None if body is None else json.dumps(body), headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            where = f"{self._server.host} port {self._server.port}"
            raise ApiError(f"the API server at {where} gives no answer: {error}") from error
        found = parsed(text)
        if answer.status >= 400:
            raise ApiError(found.get("message") or text.decode(errors="replace")[:500], answer.status)
        return found

    def get(self, path: str) -> dict | None:
        """None where there is no such object."""
        try:
            return self.call("GET", path)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def items(self, path: str, **query: str) -> list[dict]:
        """All objects of a list, page by page."""
        found, more = [], {}
        while True:
            page = self.call("GET", path, limit=str(PAGE), **query, **more)
            found += [
                {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List"), **each}
                for each in page["items"]
            ]
            if not (token := page["metadata"].get("continue")):
                return found
            more = {"continue": token}

    def resource_of(self, api_version: str, kind: str) -> Resource:
        """Of a kind as objects say it. Raises ApiError where the server has none of that name."""
        for each in self._resources(api_version):
            if each["kind"] == kind and "/" not in each["name"]:
                return Resource(api_version, kind, each["name"], each["namespaced"])
        raise ApiError(f"the server knows no {kind} of {api_version}", 404)

    def find(self, word: str, api_version: str = "") -> Resource:
        """By kind, plural, singular or short name, with the group behind a dot if need be. Raises ApiError."""
        name, _separator, group = word.lower().partition(".")
        for version in [api_version] if api_version else self._versions():
            if group and version.partition("/")[0] != group:
                continue
            for each in self._resources(version):
                names = {each["kind"].lower(), each["name"], each.get("singularName"), *each.get("shortNames", ())}
                if name in names and "/" not in each["name"]:
                    return Resource(version, each["kind"], each["name"], each["namespaced"])
        raise ApiError(f"the server knows no {word}{f' of {api_version}' if api_version else ''}", 404)

    def _versions(self) -> list[str]:
        groups = self.call("GET", "/apis")["groups"]
        return ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]

    def _resources(self, api_version: str) -> list[dict]:
        if api_version not in self._listed:
            top = "/apis" if "/" in api_version else "/api"
            found = self.get(f"{top}/{api_version}")
            self._listed[api_version] = found["resources"] if found else []
        return self._listed[api_version]


def parsed(text: bytes) -> dict:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def wait(what: str, timeout_s: float, still: object) -> None:
    """Until `still` says nothing any more; raises ApiError with what it says last when the time is up."""
    deadline = time.monotonic() + timeout_s
    while said := still():
        if time.monotonic() > deadline:
            raise ApiError(f"{what} within {timeout_s} s: {said}")
        time.sleep(PAUSE_S)
