"""Admission: all plugins in the order in which they are asked, and who is asked about which write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from master.apiserver.admission.lister import Lister, listed
from master.apiserver.admission.plugin import (
    NOTHING,
    AdmissionRequest,
    Alongside,
    ChargingPlugin,
    MutatingPlugin,
    Plugin,
)
from master.apiserver.admission.plugins.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
)
from master.apiserver.admission.plugins.eviction import DisruptionBudgets
from master.apiserver.admission.plugins.ingresses import DefaultIngressClass
from master.apiserver.admission.plugins.namespaces import NamespaceLifecycle
from master.apiserver.admission.plugins.nodes import DeletedNodes, NodeRestriction, TaintNodesByCondition
from master.apiserver.admission.plugins.pods import (
    DefaultTolerationSeconds,
    LimitRanger,
    PodTopologyLabels,
    Priority,
    RuntimeClass,
    ServiceAccount,
)
from master.apiserver.admission.plugins.podsecurity import PodSecurity
from master.apiserver.admission.plugins.policies.mutating import MutatingAdmissionPolicy
from master.apiserver.admission.plugins.policies.typechecking import PolicyTypes
from master.apiserver.admission.plugins.policies.validating import ValidatingAdmissionPolicy
from master.apiserver.admission.plugins.rbac import RoleEscalation
from master.apiserver.admission.plugins.resourceclaims import (
    DeviceAdminAccess,
    DeviceTaintTimes,
    ResourceClaimStatusAuthorization,
)
from master.apiserver.admission.plugins.resourcequota import ResourceQuota
from master.apiserver.admission.plugins.storage import (
    DefaultStorageClass,
    PersistentVolumeClaimResize,
    StorageObjectInUseProtection,
)
from master.apiserver.admission.plugins.webhooks.invocation import WebhookCalls
from master.apiserver.admission.plugins.webhooks.mutating import MutatingAdmissionWebhook
from master.apiserver.admission.plugins.webhooks.validating import ValidatingAdmissionWebhook
from master.apiserver.admission.rules.podsecurity.policy import Configuration
from master.apiserver.admission.write import Operation
from master.apiserver.authorization import Authorizer
from master.apiserver.conversion.conversions import Conversions
from master.apiserver.watchcache.cache import Cache
from podlab.api.kinds import GroupKind, Kind
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.quota_pb2 import LimitRange
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount as Account
from podlab.networking.v1.ingress_pb2 import IngressClass
from podlab.node.v1.runtimeclass_pb2 import RuntimeClass as Runtime
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass
from podlab.storage.v1.storageclass_pb2 import StorageClass

T = TypeVar("T")


def assemble(
    cache: Cache,
    authorizer: Authorizer,
    default_toleration_s: int,
    pod_security: Configuration,
    webhooks: WebhookCalls,
    others: tuple[Plugin, ...] = (),
    conversions: Conversions | None = None,
) -> Admission:
    """All plugins, in the order of Kubernetes' AllOrderedPlugins; Podlab's own stand beside those that they resemble.
    `others` come before ResourceQuota, which is the last in any case."""
    storage_classes, namespaces = listed(cache, StorageClass), listed(cache, Namespace)
    return Admission(
        (
            NamespaceLifecycle(cache),
            LimitRanger(listed(cache, LimitRange)),
            ServiceAccount(listed(cache, Account)),
            NodeRestriction(cache, authorizer.allows),
            DeletedNodes(),  # Podlab's, beside what else is about nodes
            TaintNodesByCondition(),
            PodSecurity(cache, namespaces, pod_security),
            Priority(listed(cache, PriorityClass)),
            DefaultTolerationSeconds(default_toleration_s),
            DefaultStorageClass(storage_classes),
            StorageObjectInUseProtection(),
            PersistentVolumeClaimResize(storage_classes),
            RuntimeClass(listed(cache, Runtime)),
            RoleEscalation(authorizer),  # Podlab's: Kubernetes' storage of roles does it, before other plugins judge
            *_of_certificates(authorizer),
            DefaultIngressClass(listed(cache, IngressClass)),
            PodTopologyLabels(cache),
            *_of_devices(namespaces, authorizer),  # Podlab's: Kubernetes' storage of claims does it
            PolicyTypes(cache),  # Podlab's: Kubernetes has a controller for it
            DisruptionBudgets(cache),  # Podlab's: Kubernetes' storage of evictions does it, after all that judge
            *others,
            *_configured(cache, authorizer, webhooks),
        ),
        conversions,
    )


def _of_certificates(authorizer: Authorizer) -> tuple[Plugin, ...]:
    may = authorizer.allows
    return CertificateApproval(may), CertificateSigning(may), CertificateSubjectRestriction()


def _of_devices(namespaces: Lister[Namespace], authorizer: Authorizer) -> tuple[Plugin, ...]:
    return DeviceTaintTimes(), DeviceAdminAccess(namespaces), ResourceClaimStatusAuthorization(authorizer)


def _configured(cache: Cache, authorizer: Authorizer, webhooks: WebhookCalls) -> tuple[Plugin, ...]:
    """Those that users tell what to do, and what counts when all have had their say."""
    return (
        MutatingAdmissionPolicy(cache, authorizer),
        MutatingAdmissionWebhook(cache, authorizer, webhooks),
        ValidatingAdmissionPolicy(cache, authorizer),
        ValidatingAdmissionWebhook(cache, authorizer, webhooks),
        ResourceQuota(cache),
    )


@dataclass(frozen=True, slots=True)
class SelectedPlugins:
    """The plugins that have something to do with writes of one kind and operation, each in order."""

    first: tuple[Plugin, ...]
    """Complete each object anew."""
    alike: tuple[Plugin, ...]
    """Complete all pods of a template in the same way, and come after `first`."""
    last: tuple[MutatingPlugin, ...]
    """Change each object as users say, after all that complete it."""
    completing: tuple[Plugin, ...]
    """`first` and `alike`: all that complete it of their own accord."""
    judging: tuple[Plugin, ...]
    charging: tuple[ChargingPlugin, ...]

    def may_change(self, request: AdmissionRequest) -> bool:
        """Whether users may want to change the object."""
        for plugin in self.last:  # noqa: SIM110 - asked about each object: a generator takes as long as its answers
            if plugin.concerns(request):
                return True
        return False


class Admission:
    """Asks the plugins. Whom to ask is found out once for each kind, operation and subresource, and again when users
    tell a plugin something else."""

    def __init__(self, plugins: tuple[Plugin, ...], conversions: Conversions | None = None) -> None:
        self.plugins = plugins
        self._conversions = conversions or Conversions()
        self._asked: dict[tuple[GroupKind, Operation, str], SelectedPlugins] = {}
        self._followers: list[Callable[[], None]] = []
        for lister in (each for plugin in plugins if plugin.completes_alike for each in plugin.completes_by):
            lister.follow(self.forget)
        for told_by in (each for plugin in plugins for each in plugin.told_by):
            told_by.follow(self._asked.clear)

    def asked(self, kind: Kind, operation: Operation, subresource: str) -> SelectedPlugins:
        """Who is asked about such writes."""
        key = (kind.group_kind, operation, subresource)
        found = self._asked.get(key)
        if found is None:
            asked = [one for one in self.plugins if not one.is_idle and one.handles(kind, operation, subresource)]
            found = self._asked[key] = _asked(asked, kind)
        return found

    async def change(
        self, asked: SelectedPlugins, request: AdmissionRequest, settle: Callable[[AdmissionRequest], None]
    ) -> None:
        """Have the object changed as users say. When it is, all that complete it are asked once more; `settle` makes it
        whole after each time. Raises ApiError."""
        last = [plugin for plugin in asked.last if plugin.concerns(request)]
        for plugin in last:
            await self._asking(plugin.mutate, request)
        if not request.reinvocation.wanted:
            return
        settle(request)
        request.reinvocation.is_second = True
        for completing in (*asked.completing, *last):
            await self._asking(completing.mutate, request)
        settle(request)

    async def validate(self, asked: SelectedPlugins, request: AdmissionRequest) -> Alongside:
        """Have all of them judge it; what is to be committed with it. Raises ApiError."""
        alongside: Alongside = NOTHING
        converts = request.write.kind.conversion is not None
        for plugin in asked.judging:
            more = await (self._asking(plugin.validate, request) if converts else plugin.validate(request))
            if more:
                alongside = (*alongside, *more) if alongside else more
        return alongside

    async def _asking(self, ask: Callable[[AdmissionRequest], Awaitable[T]], request: AdmissionRequest) -> T:
        """What the plugin says, which may look at a custom object in other versions: it is then asked again."""
        if request.write.kind.conversion is None:
            return await ask(request)
        return await self._conversions.run_async(partial(ask, request))

    def follow(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever what pods of one template become may have changed."""
        self._followers.append(changed)

    def forget(self) -> None:
        """Something has changed that plugins look up for pods."""
        for changed in self._followers:
            changed()


def _asked(plugins: list[Plugin], kind: Kind) -> SelectedPlugins:
    last = tuple(one for one in plugins if isinstance(one, MutatingPlugin))
    completing = [one for one in plugins if one.completes(kind) and one not in last]
    alike = [one.completes_alike for one in completing]
    count = alike.index(True) if True in alike else len(alike)
    return SelectedPlugins(
        tuple(completing[:count]),
        tuple(completing[count:]),
        last,
        tuple(completing),
        tuple(one for one in plugins if type(one).validate is not Plugin.validate),
        tuple(one for one in plugins if isinstance(one, ChargingPlugin)),
    )
