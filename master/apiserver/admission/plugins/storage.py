"""Plugins about volumes: DefaultStorageClass, StorageObjectInUseProtection, PersistentVolumeClaimResize."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin, Scope, writes_of
from master.apiserver.admission.rules import default_classes
from master.apiserver.admission.write import Operation
from podlab.api.pods.volumes import CLAIM_PROTECTION, VOLUME_PROTECTION
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass


class DefaultStorageClass(Plugin):
    """The class of claims that name none."""

    name: ClassVar[str] = "DefaultStorageClass"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(PersistentVolumeClaim, on=(Operation.CREATE,))

    def __init__(self, classes: Lister[StorageClass]) -> None:
        self._classes = classes

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        default_classes.complete_claim(request.new_as(PersistentVolumeClaim), self._classes.within(""))


class StorageObjectInUseProtection(Plugin):
    """A volume stays as long as a claim has it, and a claim as long as pods use it."""

    name: ClassVar[str] = "StorageObjectInUseProtection"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(PersistentVolume, PersistentVolumeClaim, on=(Operation.CREATE,))

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
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(PersistentVolumeClaim, on=(Operation.UPDATE,))

    def __init__(self, classes: Lister[StorageClass]) -> None:
        self._classes = classes

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        new, old = request.new_as(PersistentVolumeClaim), request.old_as(PersistentVolumeClaim)
        default_classes.check_growth(new, old, self._classes.within(""))
        return NOTHING
