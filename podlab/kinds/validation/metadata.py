"""ObjectMeta: names, labels, owners, finalizers; and what of it may not change."""

from collections.abc import Callable, Iterable

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_annotations, check_labels
from podlab.meta.v1 import meta_pb2

NameRule = Callable[[str], syntax.Faults]

_WORKED_FINALIZERS = ("orphan", "foregroundDeletion", "kubernetes")
"""Finalizers without a domain, which are worked by Podlab itself."""


def standard_finalizer(finalizer: str) -> syntax.Faults:
    """The name of a finalizer of objects that Kubernetes' core has: it carries the domain of who works it."""
    faults = list(syntax.qualified_name(finalizer))
    if "/" not in finalizer and finalizer not in _WORKED_FINALIZERS:
        faults.append("name is neither a standard finalizer name nor is it fully qualified")
    return faults


def check_metadata(
    found: Findings,
    metadata: meta_pb2.ObjectMeta,
    name_rule: NameRule,
    finalizer_rule: NameRule = standard_finalizer,
    *,
    namespaced: bool,
) -> None:
    """Everything that does not depend on what was there before."""
    name, namespace = metadata.name, metadata.namespace
    if not name:
        found.required("metadata.name", "name or generateName is required")
    elif faults := name_rule(name):
        found.invalid("metadata.name", name, *faults)
    if metadata.generateName:
        # What is generated is appended, so a prefix may end where a name may not.
        ending = metadata.generateName.removesuffix("-") + "a"
        found.invalid("metadata.generateName", metadata.generateName, *name_rule(ending))
    if not namespaced:
        if namespace:
            found.forbidden("metadata.namespace", "not allowed on this type")
    elif not namespace:
        found.required("metadata.namespace")
    elif faults := syntax.label(namespace):
        found.invalid("metadata.namespace", namespace, *faults)
    if labels := metadata.labels:
        check_labels(found, "metadata.labels", labels)
    if annotations := metadata.annotations:
        check_annotations(found, "metadata.annotations", annotations)
    if owners := metadata.ownerReferences:
        _check_owners(found, owners)
    for index, finalizer in enumerate(metadata.finalizers):
        found.invalid(f"metadata.finalizers[{index}]", finalizer, *finalizer_rule(finalizer))


def check_metadata_update(found: Findings, new: meta_pb2.ObjectMeta, old: meta_pb2.ObjectMeta) -> None:
    """What identifies an object, and what its deletion has set, may not change."""
    found.immutable("metadata.name", new.name, old.name, new.name)
    found.immutable("metadata.namespace", new.namespace, old.namespace, new.namespace)
    found.immutable("metadata.uid", new.uid, old.uid, new.uid)
    for name in ("creationTimestamp", "deletionTimestamp"):
        before, after = getattr(old, name), getattr(new, name)
        found.immutable(f"metadata.{name}", after, before, after.seconds if new.HasField(name) else None)
    grace, old_grace = new.deletionGracePeriodSeconds, old.deletionGracePeriodSeconds
    found.immutable("metadata.deletionGracePeriodSeconds", grace, old_grace, grace)
    if old.HasField("deletionTimestamp"):
        added = sorted(set(new.finalizers) - set(old.finalizers))
        if added:
            detail = "no new finalizers can be added if the object is being deleted, found new finalizers "
            found.forbidden("metadata.finalizers", detail + ", ".join(added))


def _check_owners(found: Findings, owners: Iterable[meta_pb2.OwnerReference]) -> None:
    controllers: list[str] = []
    for index, owner in enumerate(owners):
        field = f"metadata.ownerReferences[{index}]"
        for name in ("apiVersion", "kind", "name", "uid"):
            if not getattr(owner, name):
                found.required(f"{field}.{name}", "must not be empty")
        if owner.controller:
            controllers.append(f"{owner.kind}/{owner.name}")
    if len(controllers) > 1:
        found.invalid(
            "metadata.ownerReferences",
            controllers,
            "Only one reference can have Controller set to true",
        )
