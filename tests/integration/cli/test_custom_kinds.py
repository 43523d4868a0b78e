"""The command line on custom kinds, against a real API server."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from podlab_testing.command_line import Podlab
from podlab_testing.custom_kinds import VERSION, crontab, definition

from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.rbac.v1.rbac_pb2 import ClusterRole

CATEGORIZED = definition(
    names={"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all", "timers"]}
)


def text(*documents: dict[str, Any]) -> bytes:
    return yaml.safe_dump_all(documents).encode()


@pytest.fixture
async def crontabs(podlab: Podlab) -> Podlab:
    """The command line of a cluster that has CronTabs and one of them."""
    await podlab.ok("apply", "-f", "-", stdin=text(CATEGORIZED, crontab("my")))
    return podlab


async def test_a_definition_and_its_objects_are_applied_in_one_go(podlab: Podlab, admin: Client) -> None:
    both = text(crontab("my"), definition())
    assert await podlab.ok("apply", "-f", "-", stdin=both) == (
        "customresourcedefinition.apiextensions.k8s.io/crontabs.example.com created\ncrontab.example.com/my created\n"
    )
    assert await podlab.ok("apply", "-f", "-", stdin=both) == (
        "customresourcedefinition.apiextensions.k8s.io/crontabs.example.com unchanged\n"
        "crontab.example.com/my unchanged\n"
    )
    assert await podlab.ok("delete", "-f", "-", stdin=both) == (
        'crontab.example.com "my" deleted\n'
        'customresourcedefinition.apiextensions.k8s.io "crontabs.example.com" deleted\n'
    )


async def test_nothing_is_created_of_what_a_schema_refuses(crontabs: Podlab, admin: Client) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    message = await crontabs.fails("apply", "-f", "-", stdin=text(config, crontab("bad", spec={"replicas": 11})))
    assert 'The CronTab "bad" is invalid: spec.replicas: Invalid value: 11: ' in message
    assert not (await admin.list(ConfigMap, "default")).items


@pytest.mark.parametrize(
    "word", ["crontabs", "crontab", "CronTab", "ct", "crontabs.example.com", "timers", "crontabs.v1.example.com"]
)
async def test_every_name_of_a_kind_is_understood(crontabs: Podlab, word: str) -> None:
    header, row = (await crontabs.ok("get", word)).splitlines()
    assert header.split() == ["NAME", "SPEC", "REPLICAS", "AGE"]
    assert row.startswith("my     * * * * */5   1          ")


async def test_objects_are_printed_as_those_of_other_kinds(crontabs: Podlab) -> None:
    assert "IMAGE" in (await crontabs.ok("get", "ct", "-o", "wide")).splitlines()[0]
    assert await crontabs.ok("get", "ct", "-o", "name") == "crontab.example.com/my\n"
    found = json.loads(await crontabs.ok("get", "ct/my", "-o", "json"))
    assert (found["kind"], found["apiVersion"], found["spec"]["image"]) == ("CronTab", "example.com/v1", "busybox")
    assert yaml.safe_load(await crontabs.ok("get", "ct", "my", "-o", "yaml"))["spec"]["replicas"] == 1
    assert await crontabs.fails("get", "ct", "other") == (
        'Error from server (NotFound): crontabs.example.com "other" not found\n'
    )
    assert "crontab.example.com/my" in await crontabs.ok("get", "all")


async def test_what_is_applied_is_merged_as_json(crontabs: Podlab) -> None:
    config = {"config": {"list": [{"name": "a"}, {"name": "b"}], "kept": 1}}
    first = crontab("my", spec={"cronSpec": "* * * * *", **config})
    assert await crontabs.ok("apply", "-f", "-", stdin=text(first)) == "crontab.example.com/my configured\n"
    second = copy.deepcopy(first)
    second["spec"]["config"] = {"list": [{"name": "c"}]}
    await crontabs.ok("apply", "-f", "-", stdin=text(second))
    spec = json.loads(await crontabs.ok("get", "ct/my", "-o", "json"))["spec"]
    assert spec["config"] == {"list": [{"name": "c"}]}
    assert "replicas" not in spec
    assert spec["image"] == "busybox"


async def test_objects_are_scaled_and_described(crontabs: Podlab) -> None:
    assert await crontabs.ok("scale", "ct", "my", "--replicas", "7") == "crontab.example.com/my scaled\n"
    told = await crontabs.ok("describe", "ct", "my")
    assert "Replicas:" in told
    assert "7" in told
    assert "CronSpec:" in told
    assert told.startswith("Name:")
    message = await crontabs.fails("scale", "ct", "my", "--replicas", "11")
    assert 'The CronTab "my" is invalid: spec.replicas: ' in message


async def test_a_kind_without_scale_is_not_scaled(podlab: Podlab) -> None:
    version = {**VERSION, "subresources": {}}
    await podlab.ok("apply", "-f", "-", stdin=text(definition(versions=[version]), crontab("my")))
    assert "a CronTab cannot be scaled" in await podlab.fails("scale", "ct/my", "--replicas", "1")


async def test_custom_kinds_are_listed_and_completed(crontabs: Podlab) -> None:
    lines = [line.split() for line in (await crontabs.ok("api-resources")).splitlines()]
    assert ["crontabs", "ct", "example.com/v1", "true", "CronTab"] in lines
    assert "crontabs.example.com" in (await crontabs.ok("api-resources", "-o", "name")).splitlines()
    message = await crontabs.fails("get", "frobs")
    assert message == ('error: the server doesn\'t have a resource type "frobs" (`podlab api-resources` lists them)\n')


async def test_kinds_are_told_without_schemas_and_only_those_that_are_served(crontabs: Podlab, admin: Client) -> None:
    other = definition("crontabses", "CronTabs", names={"plural": "crontabses", "kind": "CronTab"})
    await crontabs.ok("create", "-f", "-", stdin=text(other))
    (found,) = await admin.discover()
    assert found.metadata.name == "crontabs.example.com"
    assert found.spec.names.shortNames == ["ct"]
    assert not found.spec.versions[0].HasField("schema")
    assert not (await admin.list(ClusterRole, field_selector="metadata.name=none")).items
