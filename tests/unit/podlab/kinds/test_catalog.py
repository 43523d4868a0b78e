"""What kinds are known by, and catalogs that differ by one."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import GroupKind, GroupResource
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.autoscaling.v1 import horizontalpodautoscaler_pb2 as hpa_v1_pb2
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import NotFound
from podlab.kinds import builtin
from podlab.kinds.catalog import Catalog
from podlab.kinds.current import CurrentCatalog
from podlab.kinds.resource import Resource
from podlab.meta.v1 import meta_pb2, options_pb2


@pytest.fixture(scope="module")
def other_deployment() -> Resource:
    """A kind of the same name in another group."""
    return Resource(kinds.of(_message("Deployment", "deployments")))


def _message(name: str, plural: str) -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"tests/catalog/v1/{name.lower()}.proto", package="tests.catalog.v1", syntax="proto3"
    )
    file.dependency.append(meta_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name=name)
    names = message.options.Extensions[options_pb2.resource]
    names.group, names.plural = "example.test", plural
    message.field.add(name="metadata", number=1, type=11, label=1, type_name=".podlab.meta.v1.ObjectMeta")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tests.catalog.v1.{name}"))


@pytest.fixture
def catalog() -> Catalog:
    return builtin.catalog()


def test_a_kind_is_found_by_all_that_it_is_known_by(catalog: Catalog) -> None:
    deployment = kinds.of(Deployment)
    assert catalog.get("apps", "Deployment") is deployment
    assert catalog.at("apps", "v1", "deployments") is deployment
    assert catalog.of_api_version("apps/v1", "Deployment") is deployment
    assert catalog.of_group_resource(GroupResource("apps", "deployments")) is deployment
    for word in ("deploy", "deployments", "Deployment", "deployments.apps", "deployments.v1.apps"):
        assert catalog.resolve(word) is deployment
    assert catalog.resource(Deployment).kind is deployment
    assert deployment in catalog


def test_what_is_not_served_is_not_found(catalog: Catalog) -> None:
    assert catalog.get("", "Deployment") is None
    assert catalog.at("apps", "v2", "deployments") is None
    with pytest.raises(NotFound, match='resource type "nonsense"'):
        catalog.resolve("nonsense")
    with pytest.raises(NotFound, match=r'no kind "Deployment\.example\.test"'):
        catalog.named("example.test", "Deployment")
    with pytest.raises(NotFound):
        catalog.resource(GroupKind("example.test", "Deployment"))


def test_a_call_without_a_group_means_what_releases_before_meant(catalog: Catalog, other_deployment: Resource) -> None:
    """A kubelet of the release before asks for a Lease and says no more."""
    more = catalog.with_resource(other_deployment)
    assert [more.named("", kind.name) for kind in kinds.enveloped()] == list(kinds.enveloped())
    assert more.named("example.test", "Deployment") is other_deployment.kind
    assert more.named("apps", "Deployment") is kinds.of(Deployment)


def test_two_groups_may_have_a_kind_of_one_name(catalog: Catalog, other_deployment: Resource) -> None:
    more = catalog.with_resource(other_deployment)
    assert more.resolve("deployments") is kinds.of(Deployment)
    assert more.resolve("deployments.example.test") is other_deployment.kind
    assert more.resource(other_deployment.kind) is other_deployment
    assert more.resource(Deployment).kind is kinds.of(Deployment)
    assert more.stored == (*catalog.stored, other_deployment.kind)


def test_a_catalog_never_changes(catalog: Catalog, other_deployment: Resource) -> None:
    more = catalog.with_resource(other_deployment)
    fewer = more.without(other_deployment.group_kind)
    assert (more.version, fewer.version) == (catalog.version + 1, catalog.version + 2)
    assert other_deployment.kind not in catalog
    assert other_deployment.kind in more
    assert fewer.stored == catalog.stored


def test_a_kind_that_two_groups_serve_stays_known_when_another_comes(
    catalog: Catalog, other_deployment: Resource
) -> None:
    event = catalog.resource(GroupKind("events.k8s.io", "Event"))
    assert catalog.with_resource(other_deployment).resource(GroupKind("events.k8s.io", "Event")) is event


def test_other_versions_are_the_same_kind(catalog: Catalog) -> None:
    old, stored = kinds.of(hpa_v1_pb2.HorizontalPodAutoscaler), kinds.of(HorizontalPodAutoscaler)
    assert catalog.get("autoscaling", "HorizontalPodAutoscaler") is stored
    assert catalog.at("autoscaling", "v1", "horizontalpodautoscalers") is old
    assert catalog.resource(old) is catalog.resource(stored)
    version = catalog.version_of(old)
    assert version is not None
    assert type(version.to_stored(hpa_v1_pb2.HorizontalPodAutoscaler())) is HorizontalPodAutoscaler
    assert catalog.version_of(stored) is None


def test_a_category_is_several_kinds(catalog: Catalog) -> None:
    assert kinds.of(Pod) in catalog.in_category("ALL")
    assert not catalog.in_category("pods")


def test_followers_learn_of_every_change(catalog: Catalog, other_deployment: Resource) -> None:
    current, seen = CurrentCatalog(catalog), []
    current.follow(lambda now: seen.append(now.stored))
    current.add(other_deployment)
    current.remove(other_deployment.group_kind)
    assert seen == [catalog.stored, (*catalog.stored, other_deployment.kind), catalog.stored]


def test_every_file_of_a_kind_says_what_the_list_says(catalog: Catalog) -> None:
    for kind in catalog.kinds:
        resource = catalog.resource(kind)
        assert kind in (resource.kind, *(version.kind for version in resource.other_versions))
        assert resource.stored is (resource.kind in catalog.stored)
        assert (resource.subresource("status") is not None) is (resource.stored and kind.has_status)
        assert [resource.kind, *(one.kind for one in resource.other_versions)].count(kind) == 1
