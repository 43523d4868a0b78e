"""Reviews about access: what is asked must be clear."""

from __future__ import annotations

from typing import Any

from podlab.authorization.v1 import review_pb2
from podlab.errors import Cause
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1 import meta_pb2


def check_access(review: Any) -> tuple[Cause, ...]:
    """What is wrong with a SubjectAccessReview, its Local or its Self form."""
    found = Findings()
    spec = review.spec
    resource, other = spec.HasField("resourceAttributes"), spec.HasField("nonResourceAttributes")
    if resource and other:
        path = spec.nonResourceAttributes.path
        found.invalid("spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes")
    if not resource and not other:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        found.invalid("spec.resourceAttributes", None, detail)
    if not isinstance(review, review_pb2.SelfSubjectAccessReview) and not spec.user and not spec.groups:
        found.invalid("spec.user", spec.user, "at least one of user or group must be specified")
    metadata = meta_pb2.ObjectMeta()
    metadata.CopyFrom(review.metadata)
    if isinstance(review, review_pb2.LocalSubjectAccessReview):
        _check_local(found, review)
        metadata.namespace = ""
        rule = "must be empty except for namespace"
    else:
        rule = "must be empty"
    metadata.ClearField("creationTimestamp")
    if metadata.ListFields():
        found.invalid("metadata", metadata.name, rule)
    return found.causes


def _check_local(found: Findings, review: review_pb2.LocalSubjectAccessReview) -> None:
    spec, namespace = review.spec, review.metadata.namespace
    if spec.HasField("resourceAttributes") and spec.resourceAttributes.namespace != namespace:
        named = spec.resourceAttributes.namespace
        found.invalid("spec.resourceAttributes.namespace", named, "must match metadata.namespace")
    if spec.HasField("nonResourceAttributes"):
        path = spec.nonResourceAttributes.path
        found.invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request")
