"""Plugins about volumes: DefaultStorageClass, StorageObjectInUseProtection, PersistentVolumeClaimResize."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin
from master.apiserver.admission.rules import default_classes
from master.apiserver.admission.write import Operation
from podlab.api.kinds import Kind
from podlab.api.pods.volumes import CLAIM_PROTECTION, VOLUME_PROTECTION
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass


class DefaultStorageClass(Plugin):
    """The class of claims that name none."""

    name: ClassVar[str] = "DefaultStorageClass"

    def __init__(self, classes: Lister[StorageClass]) -> None:
        self._classes = classes

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.message is PersistentVolumeClaim and operation is Operation.CREATE and not subresource

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        default_classes.complete_claim(request.new_as(PersistentVolumeClaim), self._classes.within(""))


class StorageObjectInUseProtection(Plugin):
    """A volume stays as long as a claim has it, and a claim as long as pods use it."""

    name: ClassVar[str] = "StorageObjectInUseProtection"

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        of_storage = kind.message in (PersistentVolume, PersistentVolumeClaim)
        return of_storage and operation is Operation.CREATE and not subresource

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        new = request.new
        assert isinstance(new, PersistentVolume | PersistentVolumeClaim)
        finalizer = VOLUME_PROTECTION if isinstance(new, PersistentVolume) else CLAIM_PROTECTION
        if finalizer not in new.metadata.finalizers:
            new.metadata.finalizers.append(finalizer)


class PersistentVolumeClaimResize(Plugin):
    """A claim grows when its class lets it."""

    name: ClassVar[str] = "PersistentVolumeClaimResize"

    def __init__(self, classes: Lister[StorageClass]) -> None:
        self._classes = classes

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.message is PersistentVolumeClaim and operation is Operation.UPDATE and not subresource

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        new, old = request.new_as(PersistentVolumeClaim), request.old_as(PersistentVolumeClaim)
        default_classes.check_growth(new, old, self._classes.within(""))
        return NOTHING
