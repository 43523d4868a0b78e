"""What a definition makes of its kind, and what of that stays when it changes."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds, custom_kinds

from podlab.api import definitions
from podlab.api.kinds import GroupKind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import (
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
)
from podlab.errors import InternalError, MethodNotAllowed, NotFound
from podlab.kinds import builtin
from podlab.kinds.catalog import Catalog
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.custom.definition import resource_of
from podlab.kinds.custom.served import ServedDefinitions
from podlab.kinds.scaling import Replicas
from podlab.meta.v1.meta_pb2 import Time

CRONTABS = GroupKind("example.com", "CronTab")


def definition(**spec: Any) -> CustomResourceDefinition:
    made = builtin_kinds.read(custom_kinds.definition(**spec))
    assert isinstance(made, CustomResourceDefinition)
    builtin_kinds.apply_defaults(made)
    made.status.acceptedNames.CopyFrom(made.spec.names)
    told(made, definitions.ESTABLISHED)
    return made


def told(made: CustomResourceDefinition, condition: str) -> None:
    definitions.set_condition(made, CustomResourceDefinitionCondition(type=condition, status="True"), Time(seconds=1))


def crontab(content: bytes) -> Custom:
    return Custom(api_version="example.com/v1", kind="CronTab", content=content)


def test_the_kind_is_named_as_its_definition_says() -> None:
    kind = resource_of(definition()).kind
    assert (kind.api_version, kind.name, kind.plural, kind.singular) == (
        "example.com/v1",
        "CronTab",
        "crontabs",
        "crontab",
    )
    assert (kind.list_kind, kind.short_names, kind.namespaced, kind.has_status) == ("CronTabList", ("ct",), True, True)


def test_replicas_are_found_and_set_at_their_paths() -> None:
    scaling = resource_of(definition()).scaling
    item = crontab(b'{"spec":{"replicas":2},"status":{"replicas":1,"labelSelector":"a=b"}}')
    assert scaling.replicas(item) == Replicas(2, 1, "a=b")
    scaling.set_replicas(item, 5)
    assert scaling.replicas(item) == Replicas(5, 1, "a=b")
    bare = crontab(b"{}")
    with pytest.raises(InternalError, match=r"\.spec\.replicas"):
        scaling.replicas(bare)
    scaling.set_replicas(bare, 3)
    assert scaling.replicas(bare) == Replicas(3, 0, "")


@pytest.mark.parametrize(
    ("names", "warning"),
    [
        (("v1", "v1beta1"), ("example.com/v1beta1 CronTab is deprecated; use example.com/v1 CronTab",)),
        (("v1beta1", "v1beta1"), ("example.com/v1beta1 CronTab is deprecated",)),
    ],
)
def test_who_asks_for_an_old_version_is_warned(names: tuple[str, str], warning: tuple[str, ...]) -> None:
    better, old = names
    versions = [{**custom_kinds.VERSION, "name": old, "deprecated": True}]
    if better != old:
        versions.append({**custom_kinds.VERSION, "name": better, "storage": False})
    assert resource_of(definition(versions=versions)).warnings == warning


def served(*changes: CustomResourceDefinition) -> tuple[CurrentCatalog, ServedDefinitions]:
    kinds = CurrentCatalog(builtin.catalog())
    made = ServedDefinitions(kinds)
    made.take((one.metadata.name, one) for one in changes)
    return kinds, made


def test_established_kinds_are_in_the_catalog() -> None:
    kinds, followed = served(definition())
    kind = kinds.catalog.resource(CRONTABS).kind
    assert kinds.catalog.kind_of(crontab(b"{}")) is kind
    assert kinds.catalog.resolve("ct") is kind
    followed.take([("crontabs.example.com", None)])
    with pytest.raises(NotFound):
        kinds.catalog.resource(CRONTABS)


def test_what_is_not_established_is_not_served() -> None:
    waiting = definition()
    del waiting.status.conditions[:]
    kinds, _ = served(waiting)
    assert kinds.catalog.get(*CRONTABS) is None


def test_a_built_in_kind_is_never_replaced() -> None:
    names = {"plural": "deployments", "kind": "Deployment"}
    kinds, _ = served(definition(plural="deployments", group="apps", names=names))
    assert kinds.catalog.resource(GroupKind("apps", "Deployment")).kind.message is not Custom


def test_watchers_are_cut_only_by_what_they_would_notice() -> None:
    first = definition()
    kinds, followed = served(first)
    seen: list[Catalog] = []
    kinds.follow(seen.append)
    kind = kinds.catalog.resource(CRONTABS).kind
    first.metadata.labels["a"] = "b"
    followed.take([(first.metadata.name, first)])
    assert len(seen) == 1
    told(first, definitions.TERMINATING)
    followed.take([(first.metadata.name, first)])
    resource = kinds.catalog.resource(CRONTABS)
    assert resource.kind is kind
    with pytest.raises(MethodNotAllowed, match="create not allowed while custom resource definition is terminating"):
        resource.strategy.prepare_for_create(crontab(b"{}"))
    first.spec.versions[0].served = False
    followed.take([(first.metadata.name, first)])
    assert kinds.catalog.resource(CRONTABS).kind is not kind
