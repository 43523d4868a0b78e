"""Groups of Kubernetes' community: who adds kinds to one of them says who has approved that.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/2337-k8s.io-group-protection
"""

from __future__ import annotations

from podlab.api import definitions
from podlab.api.definitions import APPROVAL_ANNOTATION
from podlab.apiextensions.v1.customresourcedefinition_pb2 import (
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
)

CONFORMANT = "KubernetesAPIApprovalPolicyConformant"
_WANTED = f'protected groups must have approval annotation "{APPROVAL_ANNOTATION}"'
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


def decide(definition: CustomResourceDefinition) -> CustomResourceDefinitionCondition | None:
    """The condition; None for groups of anybody else."""
    if not definitions.is_protected(definition.spec.group):
        return None
    said = definition.metadata.annotations.get(APPROVAL_ANNOTATION, "")
    if not said:
        return _told("False", "MissingAnnotation", f"{_WANTED}, {_SEE}")
    if said.startswith("unapproved"):
        return _told("False", "UnapprovedAnnotation", f'not approved: "{said}"')
    if definitions.is_address(said):
        return _told("True", "ApprovedAnnotation", f"approved in {said}")
    words = f'{_WANTED} with either a URL or a reason starting with "unapproved", {_SEE}'
    return _told("False", "InvalidAnnotation", words)


def _told(status: str, reason: str, message: str) -> CustomResourceDefinitionCondition:
    return CustomResourceDefinitionCondition(type=CONFORMANT, status=status, reason=reason, message=message)
