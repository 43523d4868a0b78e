"""What the status of a definition says. Pure."""

from __future__ import annotations

from typing import Final

from master.apiserver.customresources import approval, names
from master.apiserver.customresources.names import TakenNames
from podlab.api import definitions, objects
from podlab.apiextensions.v1.customresourcedefinition_pb2 import (
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
)
from podlab.meta.v1.meta_pb2 import Time

_NOT_ACCEPTED: Final = CustomResourceDefinitionCondition(
    type=definitions.ESTABLISHED, status="False", reason="NotAccepted", message="not all names are accepted"
)
_ESTABLISHED: Final = CustomResourceDefinitionCondition(
    type=definitions.ESTABLISHED,
    status="True",
    reason="InitialNamesAccepted",
    message="the initial names have been accepted",
)


def decide(definition: CustomResourceDefinition, taken: TakenNames, now: Time) -> CustomResourceDefinition:
    """The definition as it is to be; `taken` are the names of the others of its group.

    Once established it stays so, whatever becomes of further names.
    """
    wanted = CustomResourceDefinition()
    wanted.CopyFrom(definition)
    accepted, told = names.decide(definition, taken)
    wanted.status.acceptedNames.CopyFrom(accepted)
    definitions.set_condition(wanted, told, now)
    if told.status == "True":
        definitions.set_condition(wanted, _ESTABLISHED, now)
    elif objects.condition(wanted.status.conditions, definitions.ESTABLISHED) is None:
        definitions.set_condition(wanted, _NOT_ACCEPTED, now)
    if (conformant := approval.decide(definition)) is not None:
        definitions.set_condition(wanted, conformant, now)
    return wanted


def terminating(definition: CustomResourceDefinition, reason: str, message: str, now: Time) -> CustomResourceDefinition:
    """The definition while its objects go."""
    return _ending(definition, "True", reason, message, now)


def finished(definition: CustomResourceDefinition, now: Time) -> CustomResourceDefinition:
    """The definition that nothing holds any more."""
    was = definitions.is_true(definition, definitions.ESTABLISHED)
    told = (
        ("InstanceDeletionCompleted", "removed all instances")
        if was
        else ("NeverEstablished", "resource was never established")
    )
    ended = _ending(definition, "False", *told, now)
    ended.metadata.finalizers.remove(definitions.CLEANUP_FINALIZER)
    return ended


def _ending(
    definition: CustomResourceDefinition, status: str, reason: str, message: str, now: Time
) -> CustomResourceDefinition:
    changed = CustomResourceDefinition()
    changed.CopyFrom(definition)
    told = CustomResourceDefinitionCondition(
        type=definitions.TERMINATING, status=status, reason=reason, message=message
    )
    definitions.set_condition(changed, told, now)
    return changed
