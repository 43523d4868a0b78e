"""Kubernetes' own components could stand in the place of ours: what each asks when it starts is answered, in its form.

Source: the informers, leases, recorders and delegated checks of cmd/kube-* and pkg/kubelet, and client-go's Reflector
and metadata client, in https://github.com/kubernetes/kubernetes.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from podlab_testing import builtin_kinds, certificates, sample_objects
from podlab_testing.custom_kinds import CRONTABS, Rest, crontab, definition
from podlab_testing.http_clients import SessionOf
from podlab_testing.protobuf_reading import MARK, PROTOBUF, enveloped, event, fields, items, opened
from podlab_testing.waiting import WITHIN_S

from master.apiserver.patching.merge_patch import merge_patch
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.authentication.v1.token_pb2 import TokenRequest
from podlab.meta.v1 import meta_pb2

COMPONENTS: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "components.yaml").read_text())
TYPED = f"{PROTOBUF},application/json"
# The garbage collector's client: https://github.com/kubernetes/client-go/blob/master/metadata/metadata.go
OF_META = ";as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
# What has no protobuf form but that of a client's own choice, JSON.
JSON_ALONE = ("apiextensions.k8s.io", "example.com")
# As a Reflector begins to follow a kind: what is there as events, up to the bookmark that says that these were all.
WATCH_LIST = (
    "allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true"
    "&timeout=8m44s&timeoutSeconds=524&watch=true"
)
SENT: dict[str, str] = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json",
}
CODES = {"create": 201}
METHODS = {"create": "POST", "replace": "PUT"}
PODS = "/api/v1/namespaces/default/pods"


def with_query(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def metadata_accept(suffix: str = "") -> str:
    """As the metadata client asks for objects, or for lists of them."""
    wanted = OF_META.format(suffix)
    return f"{PROTOBUF}{wanted},application/json{wanted},application/json"


@dataclass(frozen=True)
class Reflector:
    """Follows a kind as client-go does; its complaints are what a component would log for ever."""

    http: aiohttp.ClientSession
    path: str
    in_part: bool = False

    async def complaints(self) -> list[str]:
        """What is not as it should be of the watch that begins with all, of the list, and of the watch after it."""
        try:
            async with asyncio.timeout(WITHIN_S):
                streamed = await self._watch_list()
                revision, listed = await self._list()
                await self._watch(revision)
        except (AssertionError, TimeoutError, EOFError) as error:
            return [f"{self.path}: {type(error).__name__} {error}"]
        return [] if streamed == listed else [f"{self.path}: {streamed} objects streamed, {listed} listed"]

    @property
    def _is_json(self) -> bool:
        return any(f"/{group}/" in self.path for group in JSON_ALONE)

    def _ask(self, query: str, suffix: str = "") -> Any:
        accept = metadata_accept(suffix) if self.in_part else TYPED
        return self.http.get(with_query(self.path, query), headers={"Accept": accept})

    async def _watch_list(self) -> int:
        count = 0
        async with self._ask(WATCH_LIST) as response:
            self._check(response)
            while True:
                told, kind, annotations = await self._event(response)
                self._check_kind(kind)
                if told == "BOOKMARK" and annotations.get("k8s.io/initial-events-end") == "true":
                    return count
                assert told == "ADDED", told
                count += 1

    async def _event(self, response: aiohttp.ClientResponse) -> tuple[str, str, dict[str, str]]:
        """Its type, the object's kind and annotations."""
        if self._is_json:
            line = json.loads(await response.content.readline())
            return line["type"], line["object"]["kind"], line["object"]["metadata"].get("annotations", {})
        told, kind, raw = await event(response)
        _, metadata = next(fields(raw))
        return told, kind, dict(meta_pb2.ObjectMeta.FromString(metadata).annotations)

    async def _list(self) -> tuple[str, int]:
        async with self._ask("limit=500&resourceVersion=0", "List") as response:
            self._check(response)
            body = await response.read()
        if self._is_json:
            told = json.loads(body)
            return told["metadata"]["resourceVersion"], len(told["items"])
        _, kind, raw = opened(body)
        self._check_kind(kind.removesuffix("List"))
        metadata, found = items(raw)
        return metadata.resourceVersion, len(found)

    async def _watch(self, revision: str) -> None:
        query = f"allowWatchBookmarks=true&resourceVersion={revision}&timeout=1s&timeoutSeconds=1&watch=true"
        async with self._ask(query) as response:
            self._check(response)
            assert b"ERROR" not in await response.read()

    def _check_kind(self, kind: str) -> None:
        assert not self.in_part or kind == "PartialObjectMetadata", kind

    def _check(self, response: aiohttp.ClientResponse) -> None:
        wanted = "application/json" if self._is_json else PROTOBUF
        assert response.status == 200, response.status
        assert response.content_type == wanted, response.content_type


def kind_of(body: dict[str, Any]) -> Kind:
    known = (*builtin_kinds.CATALOG.kinds, kinds.of(TokenRequest), kinds.of(meta_pb2.DeleteOptions))
    wanted = (body["apiVersion"], body["kind"])
    return next(kind for kind in known if wanted in ((kind.api_version, kind.name), ("v1", kind.name)))


@dataclass(frozen=True)
class Requests:
    """Sends what a component writes, one after the other."""

    http: aiohttp.ClientSession

    async def send(self, wanted: dict[str, Any]) -> str:
        """What is wrong with the answer; empty when it is as it should be."""
        (verb,) = wanted.keys() & {"get", "create", "replace", "patch", "delete"}
        headers, body = self._body(verb, wanted, await self._replacement(verb, wanted))
        method = METHODS.get(verb, verb.upper())
        async with self.http.request(method, wanted[verb], data=body, headers=headers) as response:
            content = await response.read()
        code = wanted.get("code", CODES.get(verb, 200))
        form = PROTOBUF if PROTOBUF in headers["Accept"] else response.content_type
        if (response.status, response.content_type) == (code, form) and (form != PROTOBUF or content[:4] == MARK):
            return ""
        return f"{method} {wanted[verb]}: {response.status} {response.content_type} {content[:600]!r}"

    async def _replacement(self, verb: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """What is there, changed."""
        sent: dict[str, Any] = wanted.get("body", {})
        if verb != "replace":
            return sent
        async with self.http.get(wanted.get("from", wanted["replace"]).removesuffix("/status")) as response:
            changed: dict[str, Any] = merge_patch(await response.json(), wanted["with"])
            return changed

    @staticmethod
    def _body(verb: str, wanted: dict[str, Any], body: dict[str, Any]) -> tuple[dict[str, str], bytes | None]:
        said = wanted.get("as", "strategic" if verb == "patch" else "")
        accept = metadata_accept() if wanted.get("metadata") else "*/*" if said in ("text", "json") else TYPED
        if said == "discovery":
            accept = f"{DISCOVERY.format('v2')},{DISCOVERY.format('v2beta1')},application/json"
        headers = {"Accept": accept}
        if not body:
            return headers, None
        headers["Content-Type"] = SENT.get(said, PROTOBUF)
        return headers, json.dumps(body).encode() if said in SENT else enveloped(kind_of(body), body)


@pytest.fixture
async def furnished(http: aiohttp.ClientSession) -> dict[str, str]:
    """A cluster with something for each of them; what requests call $names of it."""
    rest = Rest(http)
    await rest("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})
    await rest.define(definition())
    await rest("POST", CRONTABS, crontab())
    for plural, name in (("configmaps", "settings"), ("secrets", "password")):
        await rest("POST", f"/api/v1/namespaces/default/{plural}", {"metadata": {"name": name}})
    body = {"metadata": {"name": "going", "finalizers": ["example.com/wait"]}}
    await rest("POST", "/api/v1/namespaces", body)
    await rest("DELETE", "/api/v1/namespaces/going")
    deployment = sample_objects.data(builtin_kinds.named("Deployment")) | {"metadata": {"name": "web"}}
    await rest("POST", "/apis/apps/v1/namespaces/default/deployments", deployment)
    runs = await rest("POST", PODS, pod("runs", volumes=[
        {"name": "c", "configMap": {"name": "settings"}},
        {"name": "s", "secret": {"secretName": "password"}},
    ]))  # fmt: skip
    target = {"target": {"kind": "Node", "name": "n1"}}
    await rest("POST", f"{PODS}/runs/binding", {"metadata": {"name": "runs"}, **target})
    for name in ("waits", "victim"):
        await rest("POST", PODS, pod(name))
    request = certificates.pkcs10("system:node:n1", "system:nodes")
    return {"runs": runs["metadata"]["uid"], "request": base64.b64encode(request).decode()}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "example.com/c:1"}], **spec}}


def filled(wanted: Any, names: dict[str, str]) -> Any:
    """Values that are $names replaced by what these stand for."""
    match wanted:
        case dict():
            return {key: filled(value, names) for key, value in wanted.items()}
        case list():
            return [filled(value, names) for value in wanted]
        case str() if wanted.startswith("$"):
            return names.get(wanted[1:], wanted)
    return wanted


@pytest.mark.parametrize("component", COMPONENTS)
async def test_its_informers_are_fed(component: str, furnished: dict[str, str], session_of: SessionOf) -> None:
    wanted = COMPONENTS[component]
    http = session_of(wanted["user"])
    reflectors = [Reflector(http, path) for path in wanted["informers"]]
    reflectors += [Reflector(http, path, in_part=True) for path in wanted.get("metadata_informers", ())]
    found = await asyncio.gather(*(one.complaints() for one in reflectors))
    assert [complaint for complaints in found for complaint in complaints] == []


@pytest.mark.parametrize("component", COMPONENTS)
async def test_its_requests_are_answered(component: str, furnished: dict[str, str], session_of: SessionOf) -> None:
    wanted = COMPONENTS[component]
    requests = Requests(session_of(wanted["user"]))
    answers = [await requests.send(one) for one in filled(wanted["requests"], furnished)]
    assert [answer for answer in answers if answer] == []


@pytest.mark.parametrize(
    ("controller", "may", "may_not"),
    [
        ("deployment-controller", "/apis/apps/v1/deployments", "/api/v1/secrets"),
        ("generic-garbage-collector", CRONTABS, "/metrics"),
        ("resourcequota-controller", "/api/v1/secrets", "/metrics"),
        ("endpointslice-controller", "/api/v1/nodes", "/apis/apps/v1/deployments"),
    ],
)
async def test_each_controller_works_as_an_account_of_its_own(
    controller: str, may: str, may_not: str, furnished: dict[str, str], session_of: SessionOf
) -> None:
    rest = Rest(session_of("system:kube-controller-manager"))
    accounts = "/api/v1/namespaces/kube-system/serviceaccounts"
    await rest("POST", accounts, {"metadata": {"name": controller}})
    made = await rest("POST", f"{accounts}/{controller}/token", {"spec": {"expirationSeconds": 3600}})
    bearer = {"Authorization": f"Bearer {made['status']['token']}", "Accept": "application/json"}
    for path, code in ((may, 200), (may_not, 403)):
        async with session_of(None).get(path, headers=bearer) as response:
            assert response.status == code, (path, await response.text())
