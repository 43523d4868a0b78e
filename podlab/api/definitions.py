"""What CustomResourceDefinitions say of themselves, for all who read and write them."""

from __future__ import annotations

import re

from podlab.api import objects
from podlab.apiextensions.v1.customresourcedefinition_pb2 import (
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
    CustomResourceDefinitionVersion,
)
from podlab.meta.v1.meta_pb2 import Time

CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
NAMES_ACCEPTED, ESTABLISHED, TERMINATING = "NamesAccepted", "Established", "Terminating"
NAMESPACED = "Namespaced"
WEBHOOK = "Webhook"
"""The strategy of a conversion that somebody else does."""
APPROVAL_ANNOTATION = "api-approved.kubernetes.io"
"""Where a definition of a protected group says who has approved it, or begins with `unapproved` and says why not."""

_PROTECTED = ("k8s.io", "kubernetes.io")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]")


def is_protected(group: str) -> bool:
    """Whether a group is one of Kubernetes' own."""
    return any(group == domain or group.endswith(f".{domain}") for domain in _PROTECTED)


def is_address(approval: str) -> bool:
    """Whether it says where the approval can be read."""
    return bool(_ADDRESS.match(approval))


def is_true(definition: CustomResourceDefinition, condition_type: str) -> bool:
    """Whether it has the condition, and that holds."""
    return objects.is_true(definition.status.conditions, condition_type)


def set_condition(definition: CustomResourceDefinition, told: CustomResourceDefinitionCondition, now: Time) -> None:
    """It has this condition from now on: its time stays when it has had the same status before."""
    found = objects.condition(definition.status.conditions, told.type)
    if found is None:
        definition.status.conditions.add(type=told.type, status=told.status, lastTransitionTime=now)
        found = definition.status.conditions[-1]
    elif found.status != told.status:
        found.status = told.status
        found.lastTransitionTime.CopyFrom(now)
    found.reason, found.message = told.reason, told.message


def storage_version(definition: CustomResourceDefinition) -> CustomResourceDefinitionVersion | None:
    """The version that objects are stored in."""
    return next((version for version in definition.spec.versions if version.storage), None)
