"""Labels, annotations, and selectors over them."""

from collections.abc import Mapping

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1 import meta_pb2

_ANNOTATIONS_BYTES = 256 << 10


def check_labels(found: Findings, field: str, labels: Mapping[str, str]) -> None:
    """Keys and values of labels."""
    for key in labels:  # a message's maps are slow to yield pairs
        value = labels[key]
        if faults := syntax.qualified_name(key):
            found.invalid(field, key, *faults)
        if faults := syntax.label_value(value):
            found.invalid(field, value, *faults)


def check_annotations(found: Findings, field: str, annotations: Mapping[str, str]) -> None:
    """Keys of annotations, and their size in all."""
    size = 0
    for key in annotations:
        if faults := syntax.qualified_name(key.lower()):
            found.invalid(field, key, *faults)
        size += len(key.encode()) + len(annotations[key].encode())
    if size > _ANNOTATIONS_BYTES:
        found.too_long(field, _ANNOTATIONS_BYTES)


def check_selector(found: Findings, field: str, selector: meta_pb2.LabelSelector) -> None:
    """A label selector's two parts."""
    check_labels(found, f"{field}.matchLabels", selector.matchLabels)
    for index, requirement in enumerate(selector.matchExpressions):
        _check_requirement(found, f"{field}.matchExpressions[{index}]", requirement)


def _check_requirement(found: Findings, field: str, requirement: meta_pb2.LabelSelectorRequirement) -> None:
    found.invalid(f"{field}.key", requirement.key, *syntax.qualified_name(requirement.key))
    if requirement.operator in ("In", "NotIn"):
        if not requirement.values:
            found.required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        for index, value in enumerate(requirement.values):
            found.invalid(f"{field}.values[{index}]", value, *syntax.label_value(value))
    elif requirement.operator in ("Exists", "DoesNotExist"):
        if requirement.values:
            found.forbidden(f"{field}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        found.unsupported(f"{field}.operator", requirement.operator, ("In", "NotIn", "Exists", "DoesNotExist"))
