"""`podlab apply --server-side`, against a real API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from podlab_testing.command_line import Podlab
from podlab_testing.custom_kinds import crontab, definition

from podlab.api import kinds, objects
from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.v1.apiserver_pb2 import GetRequest
from podlab.v1.apiserver_pb2_grpc import ApiServerStub

if TYPE_CHECKING:
    from podlab.v1.apiserver_pb2_grpc import ApiServerAsyncStub

CONFIG_MAPS = kinds.of(ConfigMap)
CRONTABS = Kind("example.com", "v1", "CronTab", "crontabs", Custom)
APPLY = ("apply", "--server-side", "-f", "-")


def text(*documents: dict[str, Any]) -> bytes:
    return yaml.safe_dump_all(documents).encode()


def config(**data: str) -> bytes:
    return text({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data})


async def managers(admin: Client, kind: Kind, name: str) -> set[tuple[str, str]]:
    stub: ApiServerAsyncStub = ApiServerStub(admin.channel)
    wanted = GetRequest(group=kind.group, kind=kind.name, namespace="default", name=name, managed_fields=True)
    found = objects.metadata(objects.unwrap((await stub.Get(wanted)).object))
    return {(entry.manager, entry.operation) for entry in found.managedFields}


async def test_what_is_applied_is_merged_on_the_server(podlab: Podlab, admin: Client) -> None:
    assert await podlab.ok(*APPLY, stdin=config(a="1")) == "configmap/c serverside-applied\n"
    assert await podlab.ok(*APPLY, "--field-manager=other", stdin=config(b="2")) == "configmap/c serverside-applied\n"
    found = json.loads(await podlab.ok("get", "configmap/c", "-o", "json"))
    assert found["data"] == {"a": "1", "b": "2"}
    assert await managers(admin, CONFIG_MAPS, "c") == {("other", "Apply"), ("podlab", "Apply")}
    assert await podlab.ok(*APPLY, stdin=config()) == "configmap/c serverside-applied\n"
    assert json.loads(await podlab.ok("get", "configmap/c", "-o", "json"))["data"] == {"b": "2"}


async def test_who_manages_which_fields_is_shown_to_those_who_ask(podlab: Podlab) -> None:
    await podlab.ok("apply", "-f", "-", stdin=text(definition()))
    await podlab.ok(*APPLY, stdin=config(a="1"))
    await podlab.ok(*APPLY, stdin=text(crontab()))
    for what in (("cm/c",), ("ct/my",), ("ct",)):
        plain = json.loads(await podlab.ok("get", *what, "-o", "json"))
        shown = json.loads(await podlab.ok("get", *what, "-o", "json", "--show-managed-fields"))
        for found, is_shown in ((plain, False), (shown, True)):
            (one,) = found.get("items", [found])
            assert ("managedFields" in one["metadata"]) is is_shown
    assert '"f:cronSpec": {}' in json.dumps(shown)
    told = await podlab.fails("get", "cm", "-w", "--show-managed-fields")
    assert "cannot be given together with --watch" in told


async def test_a_conflict_is_told_with_what_to_do_and_can_be_forced(podlab: Podlab, admin: Client) -> None:
    await podlab.ok(*APPLY, stdin=config(a="1"))
    message = await podlab.fails(*APPLY, "--field-manager=other", stdin=config(a="2"))
    assert 'Apply failed with 1 conflict: conflict with "podlab": .data.a' in message
    assert "--force-conflicts" in message
    await podlab.ok(*APPLY, "--field-manager=other", "--force-conflicts", stdin=config(a="2"))
    assert await managers(admin, CONFIG_MAPS, "c") == {("other", "Apply")}


async def test_a_dry_run_stores_nothing(podlab: Podlab, admin: Client) -> None:
    await podlab.ok(*APPLY, stdin=config(a="1"))
    told = await podlab.ok(*APPLY, "--dry-run=server", stdin=config(a="2"))
    assert told == "configmap/c serverside-applied (server dry run)\n"
    assert json.loads(await podlab.ok("get", "configmap/c", "-o", "json"))["data"] == {"a": "1"}


async def test_only_the_server_can_be_forced(podlab: Podlab, admin: Client) -> None:
    assert "--force-conflicts" in await podlab.fails("apply", "--force-conflicts", "-f", "-", stdin=config(a="1"))


async def test_a_custom_object_is_applied_on_the_server(podlab: Podlab, admin: Client) -> None:
    await podlab.ok("apply", "-f", "-", stdin=text(definition()))
    assert await podlab.ok(*APPLY, stdin=text(crontab("my"))) == "crontab.example.com/my serverside-applied\n"
    message = await podlab.fails(*APPLY, "--field-manager=other", stdin=text(crontab("my", spec={"replicas": 2})))
    assert 'Apply failed with 1 conflict: conflict with "podlab": .spec.replicas' in message
    await podlab.ok(
        *APPLY, "--field-manager=other", "--force-conflicts", stdin=text(crontab("my", spec={"replicas": 2}))
    )
    found = json.loads(await podlab.ok("get", "crontab/my", "-o", "json"))
    assert (found["spec"]["replicas"], found["spec"]["cronSpec"]) == (2, "* * * * */5")
    assert await managers(admin, CRONTABS, "my") == {("other", "Apply"), ("podlab", "Apply")}


@pytest.mark.parametrize("spec", [{"missing": 1}, {"replicas": "many"}])
async def test_what_does_not_fit_the_schema_is_refused(podlab: Podlab, spec: dict[str, Any]) -> None:
    await podlab.ok("apply", "-f", "-", stdin=text(definition()))
    message = await podlab.fails(*APPLY, stdin=text(crontab("my", spec=spec)))
    assert "failed to create typed patch object (/; example.com/v1, Kind=CronTab): .spec." in message
