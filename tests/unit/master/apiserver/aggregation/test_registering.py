"""APIServices are there for what the server answers itself, and follow the kinds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import WritableRegistry
from podlab_testing.waiting import until

from master.apiserver.aggregation import registration
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.aggregation.registering import Registering
from master.apiserver.aggregation.services import ApiServices
from master.apiserver.watchcache.cache import Cache
from podlab.apiregistration.v1.apiservice_pb2 import APIService

APPS, METRICS = GroupVersion("apps", "v1"), GroupVersion("metrics.k8s.io", "v1beta1")
NAMES = registration.wanted(builtin_kinds.CATALOG).keys()


@pytest.fixture
async def services(cache: Cache, registry: WritableRegistry) -> AsyncIterator[ApiServices]:
    made = ApiServices(cache)
    made.start()
    running = asyncio.create_task(Registering(cache, registry, made).run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def is_local(services: ApiServices, at: GroupVersion) -> bool:
    found = services.get(at)
    return found is not None and [(one.status, one.reason) for one in found.status.conditions] == [("True", "Local")]


def changed(services: ApiServices, at: GroupVersion) -> APIService:
    made, found = APIService(), services.get(at)
    assert found is not None
    made.CopyFrom(found)
    return made


async def test_each_group_version_has_one_which_says_that_it_is_answered_here(services: ApiServices) -> None:
    await until(lambda: {at.service_name for at, _ in services.priorities()} == NAMES, "an APIService for each")
    for at, _ in list(services.priorities()):
        await until(partial(is_local, services, at), f"{at.service_name} is available")


async def test_one_that_is_removed_or_changed_comes_back(services: ApiServices, registry: WritableRegistry) -> None:
    await until(lambda: is_local(services, APPS), "it is available")
    found = services.get(APPS)
    assert found is not None
    uid = found.metadata.uid
    await registry.delete("APIService", "", "v1.apps")
    await until(lambda: (one := services.get(APPS)) is not None and one.metadata.uid != uid, "it comes back")
    await until(lambda: is_local(services, APPS), "it is available")
    mine = changed(services, APPS)
    mine.spec.groupPriorityMinimum = 7
    await registry.update(mine)
    await until(
        lambda: (one := services.get(APPS)) is not None and one.spec.groupPriorityMinimum == 17_800, "it is put right"
    )


async def test_another_metrics_server_takes_over_and_gives_back(
    services: ApiServices, registry: WritableRegistry
) -> None:
    await until(lambda: is_local(services, METRICS), "it is available")
    mine = changed(services, METRICS)
    mine.spec.service.namespace, mine.spec.service.name = "kube-system", "metrics-server"
    await registry.update(mine)
    await until(lambda: services.remote(METRICS) is not None, "the other server answers")
    assert set(services.remotes) == {METRICS}
    await registry.delete("APIService", "", METRICS.service_name)
    await until(lambda: services.remote(METRICS) is None and is_local(services, METRICS), "this one answers again")


async def test_one_of_a_group_that_is_gone_goes_when_it_is_the_servers(
    services: ApiServices, registry: WritableRegistry
) -> None:
    spec = {"group": "gone.example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 100}
    at = GroupVersion("gone.example.com", "v1")
    theirs = APIService(metadata={"name": "v2.gone.example.com"}, spec={**spec, "version": "v2"})
    await registry.create(theirs)
    marked = {"name": at.service_name, "labels": {registration.MANAGED: "true"}}
    await registry.create(APIService(metadata=marked, spec=spec))
    await until(lambda: is_local(services, GroupVersion("gone.example.com", "v2")), "it is available")
    await until(lambda: services.get(at) is None, "it goes")
