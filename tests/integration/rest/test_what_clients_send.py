"""What real clients send that is not quite what the API's pages show, and the forms in which they want answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
import yaml
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.waiting import WITHIN_S

from podlab.api.kinds import Kind

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
WEB = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}}
POD = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}


async def sent(
    http: aiohttp.ClientSession, method: str, path: str, body: Any = None, *, code: int = 200, **headers: str
) -> Any:
    headers = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    data = None if body is None else json.dumps(body)
    async with http.request(method, path, data=data, headers=headers) as response:
        text = await response.text()
        assert response.status == code, text
    return json.loads(text)


async def test_a_strategic_patch_may_name_another_kind(http: aiohttp.ClientSession) -> None:
    """As Ansible's k8s_scale sends a Deployment to its scale."""
    await sent(http, "POST", DEPLOYMENTS, WEB, code=201)
    patch = {"kind": "Deployment", "apiVersion": "extensions/v1beta1", "metadata": {"name": "web"}}
    scaled = await sent(http, "PATCH", f"{DEPLOYMENTS}/web/scale", {**patch, "spec": {"replicas": 3}}, **STRATEGIC)
    assert (scaled["kind"], scaled["spec"]["replicas"]) == ("Scale", 3)
    again = await sent(http, "PATCH", f"{DEPLOYMENTS}/web", {**patch, "spec": {"replicas": 4}}, **STRATEGIC)
    assert (again["kind"], again["apiVersion"], again["spec"]["replicas"]) == ("Deployment", "apps/v1", 4)


@pytest.mark.parametrize(
    "terms", ["metadata.name=a,", ",metadata.name=a", "metadata.name=a,,metadata.namespace=default", ","]
)
async def test_an_empty_term_of_a_field_selector_says_nothing(http: aiohttp.ClientSession, terms: str) -> None:
    await sent(http, "POST", MAPS, {"metadata": {"name": "a"}}, code=201)
    found = await sent(http, "GET", f"{MAPS}?fieldSelector={terms}")
    assert "a" in [one["metadata"]["name"] for one in found["items"]]


@pytest.mark.parametrize(("version", "code"), [("0", 201), ("text", 201), ("7", 400)])
async def test_what_is_created_has_no_revision_yet(http: aiohttp.ClientSession, version: str, code: int) -> None:
    made = await sent(http, "POST", MAPS, {"metadata": {"name": "a", "resourceVersion": version}}, code=code)
    assert made.get("metadata", {}).get("resourceVersion") != version


async def test_an_update_of_revision_0_is_of_any(http: aiohttp.ClientSession) -> None:
    await sent(http, "POST", MAPS, {"metadata": {"name": "a"}}, code=201)
    changed = await sent(http, "PUT", f"{MAPS}/a", {"metadata": {"resourceVersion": "0"}, "data": {"a": "b"}})
    assert changed["data"] == {"a": "b"}


async def test_what_lives_in_no_namespace_may_name_one(http: aiohttp.ClientSession) -> None:
    body = {"metadata": {"name": "low", "namespace": "default"}, "value": 1}
    path = "/apis/scheduling.k8s.io/v1/priorityclasses"
    made = await sent(http, "POST", path, body, code=201)
    assert "namespace" not in made["metadata"]
    for content, form in ((body, "PUT"), ({"metadata": {"namespace": "x", "labels": {"a": "b"}}}, "PATCH")):
        answer = await sent(http, form, f"{path}/low", content, **(STRATEGIC if form == "PATCH" else {}))
        assert "namespace" not in answer["metadata"]


@pytest.mark.parametrize("version", ["policy/v1", "policy/v1beta1"])
async def test_an_eviction_of_old_clients_evicts(http: aiohttp.ClientSession, version: str) -> None:
    await sent(http, "POST", PODS, POD, code=201)
    eviction = {"apiVersion": version, "kind": "Eviction", "metadata": {"name": "web"}}
    assert (await sent(http, "POST", f"{PODS}/web/eviction", eviction, code=201))["status"] == "Success"
    await sent(http, "GET", f"{PODS}/web", code=404)


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/api/v1/watch/configmaps", ["a", "b"]),
        ("/api/v1/watch/namespaces/default/configmaps", ["a", "b"]),
        ("/api/v1/watch/namespaces/default/configmaps/b", ["b"]),
        ("/api/v1/watch/namespaces/default", ["default"]),
    ],
)
async def test_old_paths_watch(http: aiohttp.ClientSession, path: str, seen: list[str]) -> None:
    for name in ("a", "b"):
        await sent(http, "POST", MAPS, {"metadata": {"name": name}}, code=201)
    async with http.get(path, params={"fieldSelector": "metadata.name!=kube-root-ca.crt"}) as response:
        async with asyncio.timeout(WITHIN_S):
            events = [json.loads(await response.content.readline()) for _ in seen]
    assert [(one["type"], one["object"]["metadata"]["name"]) for one in events] == [("ADDED", name) for name in seen]


async def test_metadata_alone_is_read_listed_watched_and_answers_writes(http: aiohttp.ClientSession) -> None:
    accepted = {"Accept": f"application/cbor;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{METADATA}"}
    made = await sent(http, "POST", MAPS, {"metadata": {"name": "a"}, "data": {"b": "c"}}, code=201, **accepted)
    assert (made["kind"], made["apiVersion"], "data" in made) == ("PartialObjectMetadata", "meta.k8s.io/v1", False)
    assert await sent(http, "GET", f"{MAPS}/a", **accepted) == made
    listed = await sent(http, "GET", MAPS, Accept=METADATA_LIST)
    assert (listed["kind"], listed["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert made in listed["items"]
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with http.get(f"{MAPS}?{query}&fieldSelector=metadata.name=a", headers=accepted) as response:
        async with asyncio.timeout(WITHIN_S):
            added, bookmark = [json.loads(await response.content.readline()) for _ in range(2)]
    assert (added["type"], added["object"]) == ("ADDED", made)
    assert (bookmark["type"], bookmark["object"]["kind"]) == ("BOOKMARK", "PartialObjectMetadata")
    patched = await sent(http, "PATCH", f"{MAPS}/a", {"data": {"b": "d"}}, **STRATEGIC, Accept=METADATA)
    assert patched["kind"] == "PartialObjectMetadata"
    assert (await sent(http, "DELETE", f"{MAPS}/a", Accept=METADATA))["kind"] == "Status"
    for path, form in ((f"{MAPS}/a", METADATA_LIST), (MAPS, METADATA)):
        await sent(http, "GET", path, code=406, Accept=form)


@pytest.mark.parametrize(
    ("path", "code", "kind"),
    [
        (f"{MAPS}/a", 200, "ConfigMap"), (MAPS, 200, "ConfigMapList"), (f"{MAPS}/b", 404, "Status"),
        ("/apis/apps/v1", 200, "APIResourceList"),
    ],
)  # fmt: skip
async def test_answers_are_yaml_for_whom_asks(http: aiohttp.ClientSession, path: str, code: int, kind: str) -> None:
    await sent(http, "POST", MAPS, {"metadata": {"name": "a"}, "data": {"on": "yes"}}, code=201)
    async with http.get(path, headers={"Accept": "application/yaml"}) as response:
        assert (response.status, response.headers["Content-Type"]) == (code, "application/yaml")
        text = await response.text()
    async with http.get(path) as response:
        assert yaml.safe_load(text) == await response.json()
    assert yaml.safe_load(text)["kind"] == kind
    assert "\nkind: " in text


async def test_a_watch_is_no_yaml(http: aiohttp.ClientSession) -> None:
    async with http.get(f"{MAPS}?watch=1", headers={"Accept": "application/yaml"}) as response:
        assert response.status == 406


@pytest.mark.parametrize("path", [MAPS, f"{MAPS}/a", f"{MAPS}/b", "/api", "/version"])
async def test_a_line_of_json_ends(http: aiohttp.ClientSession, path: str) -> None:
    await sent(http, "POST", MAPS, {"metadata": {"name": "a"}}, code=201)
    async with http.get(path) as response:
        text = await response.text()
    assert text.endswith("}\n")
    assert text.count("\n") == 1


async def test_a_negative_limit_is_none(http: aiohttp.ClientSession) -> None:
    for name in ("a", "b"):
        await sent(http, "POST", MAPS, {"metadata": {"name": name}}, code=201)
    listed = await sent(http, "GET", f"{MAPS}?limit=-1")
    assert {"a", "b"} <= {one["metadata"]["name"] for one in listed["items"]}
    assert "continue" not in listed["metadata"]


async def test_pods_without_escalation_may_name_the_capability_as_linux_does(http: aiohttp.ClientSession) -> None:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"add": ["SYS_ADMIN"]}}
    pod = {
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "c", "image": "i", "securityContext": security}]},
    }
    made = await sent(http, "POST", PODS, pod, code=201)
    assert made["spec"]["containers"][0]["securityContext"] == security


async def test_a_namespace_takes_finalizers_below_finalize(http: aiohttp.ClientSession) -> None:
    """Conformance: Namespaces should apply a finalizer to a Namespace."""
    made = await sent(http, "POST", "/api/v1/namespaces", {"metadata": {"name": "held"}}, code=201)
    own = "e2e.example.com/fakeFinalizer"
    made["spec"]["finalizers"].append(own)
    held = await sent(http, "PUT", "/api/v1/namespaces/held/finalize", made)
    assert held["spec"]["finalizers"] == ["kubernetes", own]
    plain = await sent(http, "PUT", "/api/v1/namespaces/held", {**held, "spec": {"finalizers": []}})
    assert plain["spec"]["finalizers"] == ["kubernetes", own]
    plain["spec"]["finalizers"].remove(own)
    freed = await sent(http, "PUT", "/api/v1/namespaces/held/finalize", plain)
    assert freed["spec"]["finalizers"] == ["kubernetes"]


async def test_a_pods_generation_counts_changes_of_its_spec(http: aiohttp.ClientSession) -> None:
    """Conformance: Pod Generation, Ephemeral Containers."""
    node = {"spec": {**POD["spec"], "nodeName": "n1"}}  # type: ignore[dict-item]
    pod = await sent(http, "POST", PODS, {"metadata": {"name": "web", "generation": 100}, **node}, code=201)
    assert pod["metadata"]["generation"] == 1
    steps: list[tuple[str, dict[str, Any], int]] = [
        ("", {"spec": {"activeDeadlineSeconds": 5000}}, 2),
        ("", {"metadata": {"annotations": {"a": "b"}}}, 2),
        ("", {"metadata": {"generation": 1}}, 2),
        ("", {"spec": {"tolerations": [{"key": "x", "operator": "Exists"}]}}, 3),
        ("/ephemeralcontainers", {"spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}}, 4),
        ("/status", {"status": {"message": "hm"}, "metadata": {"labels": {"a": "b"}}}, 4),
    ]
    for below, patch, generation in steps:
        pod = await sent(http, "PATCH", f"{PODS}/web{below}", patch, **STRATEGIC)
        assert pod["metadata"]["generation"] == generation, patch
    assert pod["metadata"]["labels"] == {"a": "b"}
    for _ in range(2):
        pod = await sent(http, "DELETE", f"{PODS}/web?gracePeriodSeconds=60")
        assert pod["metadata"]["generation"] == 5


async def test_a_deletion_that_waits_is_a_new_generation(http: aiohttp.ClientSession) -> None:
    await sent(http, "POST", DEPLOYMENTS, WEB, code=201)
    going = await sent(http, "DELETE", f"{DEPLOYMENTS}/web?propagationPolicy=Foreground")
    assert going["metadata"]["generation"] == 2


@pytest.mark.parametrize("kind", [kind for kind in builtin_kinds.STORED if kind.has_status], ids=lambda kind: kind.name)
async def test_a_patch_of_a_status_may_change_labels_and_annotations(http: aiohttp.ClientSession, kind: Kind) -> None:
    """Conformance: CronJob, Job, CSR and Ingress API operations. Of pods, and of Deployments, Kubernetes keeps some."""
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    path = f"{root}/namespaces/default/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    made = await sent(http, "POST", path, sample_objects.data(kind), code=201)
    name = made["metadata"]["name"]
    marks = {"annotations": {"patchedstatus": "true"}, "labels": {"patched": "yes"}}
    below = ["status", *(["approval"] if kind.name == "CertificateSigningRequest" else [])]
    for subresource in below:
        marks["annotations"][subresource] = "true"
        patch = {"metadata": marks, "spec": {"unknown": 1}}
        patched = await sent(
            http, "PATCH", f"{path}/{name}/{subresource}", patch, Content_Type="application/merge-patch+json"
        )
        assert marks["annotations"].items() <= patched["metadata"]["annotations"].items()
        assert ("patched" in patched["metadata"].get("labels", {})) is (kind.name != "Deployment")
        assert patched.get("spec") == made.get("spec")
        assert patched["metadata"].get("generation") == made["metadata"].get("generation")
