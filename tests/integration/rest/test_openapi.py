"""The OpenAPI documents as clients read them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from podlab.foreign.openapi.v2 import openapi_pb2

V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


async def get(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as response:
        assert response.status == 200, path
        return await response.json()


async def test_the_index_leads_to_a_document_for_each_group_and_version(http: aiohttp.ClientSession) -> None:
    paths = (await get(http, "/openapi/v3"))["paths"]
    groups = (await get(http, "/apis"))["groups"]
    served = {f"apis/{one['groupVersion']}" for group in groups for one in group["versions"]}
    assert paths.keys() == {"api/v1", "version", *served}
    for place in paths.values():
        document = await get(http, place["serverRelativeURL"])
        assert (document["openapi"], document["info"]["version"][:6]) == ("3.0.0", "v1.36.")


async def test_every_address_that_is_described_exists_in_discovery(http: aiohttp.ClientSession) -> None:
    document = await get(http, "/openapi/v3/api/v1")
    resources = (await get(http, "/api/v1"))["resources"]
    described = {path.removeprefix("/api/v1/").removeprefix("namespaces/{namespace}/") for path in document["paths"]}
    shown = {path.replace("/{name}", "") for path in described}
    proxied = {path for path in shown if path.endswith("/{path}")}  # below a subresource, others' paths
    assert {path.removesuffix("/proxy/{path}") for path in proxied} == {"nodes", "pods", "services"}
    assert {one["name"] for one in resources} == shown - proxied


async def test_a_document_is_not_sent_again_to_whom_has_it(http: aiohttp.ClientSession) -> None:
    url = (await get(http, "/openapi/v3"))["paths"]["api/v1"]["serverRelativeURL"]
    async with http.get(url) as response:
        etag, caching = response.headers["ETag"], response.headers["Cache-Control"]
    assert "immutable" in caching
    async with http.get("/openapi/v3/api/v1", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    async with http.get("/openapi/v3/api/v1?hash=old", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (301, url)


async def test_v2_is_the_same_in_json_and_protobuf(http: aiohttp.ClientSession) -> None:
    document = await get(http, "/openapi/v2")
    async with http.get("/openapi/v2", headers={"Accept": V2_PROTOBUF}) as response:
        assert response.headers["Content-Type"].endswith("spec.v2.v1.0+protobuf")
        binary = openapi_pb2.Document.FromString(await response.read())
    assert [one.name for one in binary.definitions.additional_properties] == list(document["definitions"])
    assert [one.name for one in binary.paths.path] == list(document["paths"])
    pod = next(one.value for one in binary.paths.path if one.name == "/api/v1/namespaces/{namespace}/pods/{name}")
    parameters = [one.parameter.non_body_parameter.query_parameter_sub_schema.name for one in pod.patch.parameters]
    assert "fieldValidation" in parameters
    kinds = {one.name: one.value.yaml for one in pod.patch.vendor_extension}
    assert kinds["x-kubernetes-group-version-kind"] == '{"group":"","version":"v1","kind":"Pod"}'


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_documents_come_compressed_or_not(http: aiohttp.ClientSession, encoding: str) -> None:
    async with http.get("/openapi/v3/version", headers={"Accept-Encoding": encoding}) as response:
        assert (response.headers.get("Content-Encoding") == "gzip") is (encoding == "gzip")
        assert (await response.json())["paths"].keys() == {"/version/"}


async def test_forms_that_we_do_not_have_are_not_acceptable(http: aiohttp.ClientSession) -> None:
    for path in ("/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1"):
        async with http.get(path, headers={"Accept": "application/xml"}) as response:
            assert response.status == 406


async def test_health_is_told_check_by_check(http: aiohttp.ClientSession) -> None:
    async with http.get("/readyz?verbose&exclude=store&exclude=etcd") as response:
        told = await response.text()
    assert told.splitlines() == [
        "[+]ping ok",
        "[+]store excluded: ok",
        "[+]informer-sync ok",
        'warn: some health checks cannot be excluded: no matches for "etcd"',
        "readyz check passed",
    ]
    async with http.get("/livez/store") as response:
        assert (response.status, await response.text()) == (200, "ok")
    async with http.get("/livez/nope") as response:
        assert response.status == 404
