"""What handlers ask the registry to write, and whom it is put down to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from podlab_testing.registry import ADMIN

from master.apiserver.admission.write import Operation, Write
from master.apiserver.registry.registry import Registry, Written
from master.apiserver.request import paths
from master.apiserver.request.query import Query
from master.apiserver.rest.call import Call
from master.apiserver.rest.content import request_body
from master.apiserver.rest.handlers.approval import Approval
from master.apiserver.rest.handlers.eviction import Evicting
from master.apiserver.rest.handlers.scale import ScaleSubresource
from master.apiserver.rest.handlers.writing import Writing
from podlab.errors import Invalid
from podlab.kinds import builtin

CORE, APPS = "/api/v1/namespaces/default", "/apis/apps/v1/namespaces/default"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
BINDING = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": {"name": "n1"}}
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}}
SCALE = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "a"}, "spec": {"replicas": 2}}
CERTIFICATE = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "a"}}

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


class _Asked(Exception):  # what was asked for, not an error
    def __init__(self, write: Write) -> None:
        self.write = write


class _Registry(Registry):
    """Carries out nothing."""

    def __init__(self) -> None:
        pass

    async def write(self, write: Write) -> Written:
        raise _Asked(write)


REGISTRY = _Registry()


async def _write_of(handler: Handler, method: str, path: str, body: object, query: dict[str, str]) -> Write:
    stream = StreamReader(BaseProtocol(None), 2**16)  # type: ignore[arg-type]  # nobody reads more
    stream.feed_data(json.dumps(body).encode())
    stream.feed_eof()
    form = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"User-Agent": "gardener/1.2 (linux/amd64)", "Content-Type": form}
    request = make_mocked_request(method, path, headers=headers, payload=stream)
    await request_body.receive(request, "kubernetes-admin", lambda _, __: None)
    call = Call(request, ADMIN, paths.parse(path, builtin.catalog()), Query(query))
    with pytest.raises(_Asked) as asked:
        await handler(call)
    return asked.value.write


_WRITING = Writing(REGISTRY, None, None)  # type: ignore[arg-type]  # nothing is deleted or applied here
_SCALING, _APPROVAL, _EVICTING = ScaleSubresource(REGISTRY), Approval(REGISTRY), Evicting(REGISTRY)
CASES: dict[str, tuple[Handler, str, str, object, Operation]] = {
    "create": (_WRITING.create, "POST", f"{CORE}/configmaps", CONFIG, Operation.CREATE),
    "update": (_WRITING.update, "PUT", f"{CORE}/configmaps/a", CONFIG, Operation.UPDATE),
    "patch": (_WRITING.patch, "PATCH", f"{CORE}/configmaps/a", {}, Operation.UPDATE),
    "update of a status": (_WRITING.update, "PUT", f"{CORE}/pods/a/status", POD, Operation.UPDATE),
    "patch of a status": (_WRITING.patch, "PATCH", f"{CORE}/pods/a/status", {}, Operation.UPDATE),
    "update of a scale": (_SCALING.update, "PUT", f"{APPS}/deployments/a/scale", SCALE, Operation.UPDATE),
    "patch of a scale": (_SCALING.patch, "PATCH", f"{APPS}/deployments/a/scale", {}, Operation.UPDATE),
    "update of an approval": (_APPROVAL.update, "PUT", f"{REQUESTS}/a/approval", CERTIFICATE, Operation.UPDATE),
    "patch of an approval": (_APPROVAL.patch, "PATCH", f"{REQUESTS}/a/approval", {}, Operation.UPDATE),
    "binding": (_WRITING.bind, "POST", f"{CORE}/pods/a/binding", BINDING, Operation.CREATE),
    "eviction": (_EVICTING.create, "POST", f"{CORE}/pods/a/eviction", EVICTION, Operation.DELETE),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_write_is_put_down_to_the_manager_it_names_or_else_to_the_program(case: str) -> None:
    handler, method, path, body, operation = CASES[case]
    unnamed = await _write_of(handler, method, path, body, {})
    place = paths.parse(path, builtin.catalog())
    assert (unnamed.operation, unnamed.subresource, unnamed.kind) == (operation, place.subresource, place.kind)
    assert (unnamed.name, unnamed.user) == ("a", ADMIN)
    assert (unnamed.context.manager, unnamed.dry_run) == ("gardener", False)
    named = await _write_of(handler, method, path, body, {"fieldManager": "rose", "dryRun": "All"})
    assert (named.context.manager, named.dry_run) == ("rose", True)
    with pytest.raises(Invalid, match="fieldManager: Too long"):
        await _write_of(handler, method, path, body, {"fieldManager": "m" * 129})


async def test_a_deletion_is_put_down_to_the_program() -> None:
    write = await _write_of(_WRITING.delete, "DELETE", f"{CORE}/pods/a", {"dryRun": ["All"]}, {"fieldManager": "rose"})
    assert (write.operation, write.context.manager, write.dry_run) == (Operation.DELETE, "gardener", True)


async def test_a_dry_run_of_an_eviction_is_asked_for_in_its_body_too() -> None:
    body = EVICTION | {"deleteOptions": {"dryRun": ["All"]}}
    assert (await _write_of(_EVICTING.create, "POST", f"{CORE}/pods/a/eviction", body, {})).dry_run
    body = EVICTION | {"deleteOptions": {"dryRun": ["Some"]}}
    with pytest.raises(Invalid, match=r'DeleteOptions.* dryRun: Unsupported value: "Some"'):
        await _write_of(_EVICTING.create, "POST", f"{CORE}/pods/a/eviction", body, {})
