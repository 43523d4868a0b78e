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
    if resource:
        _check_selectors(found, spec.resourceAttributes)
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


def _check_selectors(found: Findings, asked: review_pb2.ResourceAttributes) -> None:
    for name in ("fieldSelector", "labelSelector"):
        selector, where = getattr(asked, name), f"spec.resourceAttributes.{name}"
        if not asked.HasField(name):
            continue
        if selector.rawSelector and selector.requirements:
            rule = "may not specified at the same time as requirements"
            found.invalid(f"{where}.rawSelector", selector.rawSelector, rule)
        if not selector.rawSelector and not selector.requirements:
            found.required(f"{where}.requirements", "when rawSelector is empty")
        for index, one in enumerate(selector.requirements):
            _check_requirement(found, f"{where}.requirements[{index}]", one)


def _check_requirement(
    found: Findings, where: str, one: review_pb2.FieldSelectorRequirement | meta_pb2.LabelSelectorRequirement
) -> None:
    if not one.key:
        found.required(f"{where}.key")
    if one.operator in ("In", "NotIn"):
        if not one.values:
            found.required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif one.operator in ("Exists", "DoesNotExist"):
        if one.values:
            found.forbidden(f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        found.invalid(f"{where}.operator", one.operator, "not a valid selector operator")


def _check_local(found: Findings, review: review_pb2.LocalSubjectAccessReview) -> None:
    spec, namespace = review.spec, review.metadata.namespace
    if spec.HasField("resourceAttributes") and spec.resourceAttributes.namespace != namespace:
        named = spec.resourceAttributes.namespace
        found.invalid("spec.resourceAttributes.namespace", named, "must match metadata.namespace")
    if spec.HasField("nonResourceAttributes"):
        path = spec.nonResourceAttributes.path
        found.invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request")
