"""Who manages fields of custom objects is known after a restart, and when their definition changes."""

from __future__ import annotations

import copy
from typing import Any

import aiohttp
import pytest
from podlab_testing import custom_kinds
from podlab_testing.apply_cases import managers
from podlab_testing.cluster import ADMIN, Cluster
from podlab_testing.custom_kinds import CRONTABS, DEFINITIONS, Rest, crontab
from podlab_testing.http_clients import tls_of

from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.client.client import Client
from podlab.errors import Conflict
from podlab.v1 import apiserver_pb2

APPLY = {"Content_Type": "application/apply-patch+yaml"}
CONFIG = {"cronSpec": "* * * * *", "config": {"a": {"b": 1}}}


async def applied(rest: Rest, by: str, spec: dict[str, Any], *, code: int | None = None) -> dict[str, Any]:
    return await rest("PATCH", f"{CRONTABS}/my?fieldManager={by}", crontab(spec=spec), code=code, **APPLY)


async def test_managers_are_known_after_a_restart(crontabs: Rest, cluster: Cluster) -> None:
    before = await applied(crontabs, "me", CONFIG, code=201)
    await cluster.stop()
    await cluster.start()
    connector = aiohttp.TCPConnector(ssl=tls_of(cluster, ADMIN))
    async with aiohttp.ClientSession(f"https://127.0.0.1:{cluster.settings.rest_port}", connector=connector) as session:
        rest = Rest(session)
        assert await rest("GET", f"{CRONTABS}/my") == before
        listed = await rest("GET", CRONTABS)
        assert listed["items"] == [before]
        told = await applied(rest, "you", {"cronSpec": "1 * * * *"}, code=409)
        assert told["message"] == 'Apply failed with 1 conflict: conflict with "me": .spec.cronSpec'


async def test_what_becomes_atomic_is_owned_as_a_whole_from_then_on(crontabs: Rest) -> None:
    await applied(crontabs, "me", CONFIG)
    wanted = await crontabs("GET", f"{DEFINITIONS}/crontabs.example.com")
    version = copy.deepcopy(custom_kinds.VERSION)
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["config"] |= {
        "x-kubernetes-map-type": "atomic"
    }
    await crontabs(
        "PUT", f"{DEFINITIONS}/crontabs.example.com", {**wanted, "spec": {**wanted["spec"], "versions": [version]}}
    )
    await crontabs.patch(f"{CRONTABS}/my?fieldManager=you", {"spec": {"replicas": 2}})
    assert managers(await crontabs("GET", f"{CRONTABS}/my"))["me Apply"] == ["spec.config", "spec.cronSpec"]
    told = await applied(crontabs, "you", {"config": {"c": 2}}, code=409)
    assert told["message"] == 'Apply failed with 1 conflict: conflict with "me": .spec.config'


async def test_managers_of_a_version_that_is_no_more_are_forgotten(rest: Rest) -> None:
    old = {**copy.deepcopy(custom_kinds.VERSION), "name": "v1beta1", "storage": False}
    await rest.define(custom_kinds.definition(versions=[custom_kinds.VERSION, old]))
    at = CRONTABS.replace("/v1/", "/v1beta1/")
    sent = {**crontab(spec={"cronSpec": "* * * * *"}), "apiVersion": "example.com/v1beta1"}
    made = await rest("PATCH", f"{at}/my?fieldManager=me", sent, code=201, **APPLY)
    assert [entry["apiVersion"] for entry in made["metadata"]["managedFields"]] == ["example.com/v1beta1"]
    wanted = await rest("GET", f"{DEFINITIONS}/crontabs.example.com")
    await rest(
        "PUT",
        f"{DEFINITIONS}/crontabs.example.com",
        {**wanted, "spec": {**wanted["spec"], "versions": [custom_kinds.VERSION]}},
    )
    changed = await applied(rest, "you", {"cronSpec": "1 * * * *"}, code=200)
    assert managers(changed) == {"you Apply": ["spec.cronSpec"]}


async def test_a_custom_object_is_applied_over_grpc(crontabs: Rest, admin: Client) -> None:
    admin.field_manager = "podlab"
    kind = Kind("example.com", "v1", "CronTab", "crontabs", Custom)

    async def apply(spec: dict[str, Any], *, force: bool = False) -> None:
        await admin.patch(
            kind, "my", "default", patch=crontab(spec=spec), patch_type=apiserver_pb2.PATCH_TYPE_APPLY, force=force
        )

    await apply(CONFIG)
    assert list(managers(await crontabs("GET", f"{CRONTABS}/my")).values()) == [
        ["spec.cronSpec", "spec.config.a", "spec.config.a.b"]
    ]
    await crontabs.patch(f"{CRONTABS}/my?fieldManager=you", {"spec": {"cronSpec": "1 * * * *"}})
    with pytest.raises(Conflict, match=r'conflict with "you" using example.com/v1: .spec.cronSpec'):
        await apply(CONFIG)
    await apply(CONFIG, force=True)
    assert (await crontabs("GET", f"{CRONTABS}/my"))["spec"]["cronSpec"] == "* * * * *"
