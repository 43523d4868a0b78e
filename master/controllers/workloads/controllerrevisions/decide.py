"""Which ControllerRevision stands for a template, and which are too old to be kept.

Its data is a strategic merge patch of the owner, as kubectl's `rollout history` and `rollout undo` take it
(https://kubernetes.io/docs/tasks/manage-daemon/rollback-daemon-set/#understanding-daemonset-revisions).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from master.controllers.objects.ownership import reference_to
from master.controllers.objects.templatehash import template_hash
from podlab.api.serializer import codec
from podlab.apps.v1 import controllerrevision_pb2, daemonset_pb2, statefulset_pb2
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

HASH_LABEL = "controller-revision-hash"
RevisionOwner = daemonset_pb2.DaemonSet | statefulset_pb2.StatefulSet
Revision = controllerrevision_pb2.ControllerRevision


def ordered(revisions: Iterable[Revision]) -> list[Revision]:
    """Oldest first."""
    return sorted(revisions, key=lambda one: (one.revision, one.metadata.creationTimestamp.seconds, one.metadata.name))


def find(owner: RevisionOwner, revisions: Sequence[Revision]) -> Revision | None:
    """The newest revision that has the owner's template. `revisions` are ordered."""
    wanted = _data(owner.spec.template)
    return next((one for one in reversed(revisions) if orjson.loads(one.data.raw) == wanted), None)


def next_number(revisions: Sequence[Revision]) -> int:
    """That of a template that comes after all of them."""
    return max((one.revision for one in revisions), default=0) + 1


def new_revision(owner: RevisionOwner, number: int, collisions: int) -> Revision:
    """The owner's template, under a name that follows from it and from the collisions met so far."""
    word = template_hash(owner.spec.template, collisions)
    made = Revision(
        metadata=meta_pb2.ObjectMeta(
            name=f"{owner.metadata.name}-{word}",
            namespace=owner.metadata.namespace,
            labels=owner.spec.template.metadata.labels,
            annotations=owner.metadata.annotations,
            ownerReferences=[reference_to(owner)],
        ),
        revision=number,
    )
    made.metadata.labels[HASH_LABEL] = word
    made.data.raw = orjson.dumps(_data(owner.spec.template), option=orjson.OPT_SORT_KEYS)
    return made


def renumbered(revision: Revision, number: int) -> Revision:
    """An old template that comes back is the newest revision."""
    copy = Revision()
    copy.CopyFrom(revision)
    copy.revision = number
    return copy


def template_of(revision: Revision) -> pod_pb2.PodTemplateSpec:
    """The template that it keeps. Raises BadRequest where somebody put something else there."""
    template = dict(orjson.loads(revision.data.raw)["spec"]["template"])
    template.pop("$patch", None)
    return codec.part_from_dict(template, pod_pb2.PodTemplateSpec)


def outdated(revisions: Sequence[Revision], in_use: Iterable[str], limit: int) -> list[Revision]:
    """Those beyond the history limit, the oldest first; one that is in use, by name, stays and does not count."""
    used = set(in_use)
    kept = [one for one in revisions if one.metadata.name not in used]
    return kept[: max(0, len(kept) - limit)]


def _data(template: pod_pb2.PodTemplateSpec) -> dict[str, Any]:
    return {"spec": {"template": {**codec.part_to_dict(template), "$patch": "replace"}}}
