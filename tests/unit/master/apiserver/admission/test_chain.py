"""Which plugins there are, in which order, and what they may be trusted with."""

from __future__ import annotations

from typing import Any, cast

import pytest
from podlab_testing.builtin_kinds import CATALOG, named
from podlab_testing.registry import admission_of

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.plugin import ALL, Plugin
from master.apiserver.admission.write import Operation
from master.apiserver.watchcache.cache import Cache

# Those that Podlab has of AllOrderedPlugins in Kubernetes' pkg/kubeapiserver/options/plugins.go, in its order.
IN_ORDER = (
    "NamespaceLifecycle",
    "LimitRanger",
    "ServiceAccount",
    "NodeRestriction",
    "TaintNodesByCondition",
    "PodSecurity",
    "Priority",
    "DefaultTolerationSeconds",
    "DefaultStorageClass",
    "StorageObjectInUseProtection",
    "PersistentVolumeClaimResize",
    "RuntimeClass",
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "DefaultIngressClass",
    "PodTopologyLabels",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
    "ResourceQuota",
)
OF_PODLAB = {
    "DeletedNodes",
    "RoleEscalation",
    "DeviceTaintTimes",
    "DeviceAdminAccess",
    "ResourceClaimStatusAuthorization",
    "PolicyTypes",
    "DisruptionBudgets",
}


@pytest.fixture
def plugins() -> tuple[Plugin, ...]:
    return admission_of(Cache(cast(Any, None))).plugins


def test_plugins_are_asked_in_the_order_of_kubernetes(plugins: tuple[Plugin, ...]) -> None:
    names = [plugin.name for plugin in plugins if plugin.name not in OF_PODLAB]
    assert names == [name for name in IN_ORDER if name in names]


def test_every_plugin_is_asked_about_something(plugins: tuple[Plugin, ...]) -> None:
    below = {kind: ("", *(one.name for one in CATALOG.resource(kind).subresources)) for kind in CATALOG.stored}
    for plugin in plugins:
        assert any(
            plugin.handles(kind, operation, subresource)
            for kind in CATALOG.stored
            for operation in ALL
            for subresource in below[kind]
        ), plugin.name


def test_whatever_completes_pods_of_a_template_alike_tells_all_that_it_looks_up(plugins: tuple[Plugin, ...]) -> None:
    """Else a pod would become what it would have become before these objects changed."""
    asked = [plugin for plugin in plugins if plugin.handles(named("Pod"), Operation.CREATE, "")]
    completing = [one for one in asked if one.completes_alike and type(one).mutate is not Plugin.mutate]
    assert {"LimitRanger", "ServiceAccount", "Priority"} <= {plugin.name for plugin in completing}
    for plugin in completing:
        looked_up = [value for value in vars(plugin).values() if isinstance(value, Lister | Cache)]
        if plugin.name == "ResourceQuota":  # it completes quotas, and no pods
            continue
        assert [*plugin.completes_by] == looked_up, plugin.name
