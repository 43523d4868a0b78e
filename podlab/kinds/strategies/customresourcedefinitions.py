"""CustomResourceDefinitions: the versions that objects may be stored in, and what holds a definition until none is."""

from __future__ import annotations

from podlab.api import definitions, objects
from podlab.apiextensions.v1.customresourcedefinition_pb2 import (
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
)

_PENDING = CustomResourceDefinitionCondition(
    type=definitions.TERMINATING,
    status="True",
    reason="InstanceDeletionPending",
    message="CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
)


def begin(definition: CustomResourceDefinition) -> None:
    """Objects of a new one are stored in its storage version alone."""
    _note_storage_version(definition)


def keep_stored_versions(new: CustomResourceDefinition, _: CustomResourceDefinition) -> None:
    """From now on there may be objects in the version that is the storage version now."""
    _note_storage_version(new)


def terminate(definition: CustomResourceDefinition) -> None:
    """One that is deleted stays until its objects are gone. Deleted again, it is as it was."""
    if objects.condition(definition.status.conditions, definitions.TERMINATING) is None:
        if definitions.CLEANUP_FINALIZER not in definition.metadata.finalizers:
            definition.metadata.finalizers.append(definitions.CLEANUP_FINALIZER)
        definitions.set_condition(definition, _PENDING, definition.metadata.deletionTimestamp)


def _note_storage_version(definition: CustomResourceDefinition) -> None:
    version, stored = definitions.storage_version(definition), definition.status.storedVersions
    if version is not None and version.name not in stored:
        stored.append(version.name)
