"""What matchers look at, of a write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from master.apiserver.admission.lister import listed
from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.admission.rules.matching import AdmissionTarget, ServedAs
from master.apiserver.admission.seen import OPERATIONS_SEEN, SeenWrite, labels_of, seen
from master.apiserver.watchcache.cache import Cache
from podlab.api import objects
from podlab.api.kinds import Kind
from podlab.core.v1.namespace_pb2 import Namespace


class Targets:
    """Looks up what writes are about."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._namespaces = listed(cache, Namespace)

    def served_as(self, kind: Kind, asked: Kind | None = None) -> Sequence[ServedAs]:
        """The kind's versions, the one that is asked for first, or else the stored one."""
        resource = self._cache.catalog.resource(kind.group_kind)
        served = {asked or kind: None, kind: None, **{one.kind: None for one in resource.other_versions}}
        return [ServedAs(one.group, one.version, one.plural) for one in served]

    def about(self, request: AdmissionRequest) -> tuple[Sequence[ServedAs], str, str]:
        """The places, the subresource and the operation that rules name."""
        write = request.write
        operation = OPERATIONS_SEEN.get(write.subresource, write.operation)
        return self.served_as(write.kind, write.version), write.subresource, operation.value

    def seen(self, request: AdmissionRequest) -> SeenWrite:
        """The write as policies and webhooks see it."""
        return seen(request, self._cache.catalog.resource(request.write.kind))

    def kind_at(self, matched: ServedAs, stored: Kind) -> Kind:
        """The version that a rule names, of what is stored."""
        return self._cache.catalog.at(matched.group, matched.version, matched.resource) or stored

    def namespace(self, request: AdmissionRequest) -> Namespace | None:
        """That of the object; None for one without, and one that is a namespace itself."""
        write = request.write
        return self._namespaces.get("", write.namespace) if write.kind.namespaced else None

    def of(self, request: AdmissionRequest, write_seen: SeenWrite) -> AdmissionTarget:
        """What matchers look at."""
        write = request.write
        labels = [found for one in (write_seen.new, write_seen.old) if (found := labels_of(one)) is not None]

        def namespace_labels() -> Mapping[str, str] | None:
            if write.kind.message is Namespace:
                return objects.metadata(request.new).labels
            if not write.kind.namespaced:
                return None
            namespace = self.namespace(request)
            return namespace.metadata.labels if namespace is not None else {}

        return AdmissionTarget(
            served_as=self.served_as(write.kind, write.version),
            subresource=write.subresource,
            operation=write_seen.operation.value,
            namespace=write.namespace,
            name=write.name or objects.metadata(request.new).name,
            labels=labels,
            namespace_labels=namespace_labels,
        )
