"""Claims, volumes and classes as the binder looks them up."""

from __future__ import annotations

from collections.abc import Iterator

from master.controllers.framework.informers import Index, Informers
from podlab.api import storageclasses
from podlab.api.objects import Key, key
from podlab.client.informer import Informer
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass

_NO_CLASS = ""


class StorageView:
    """Follows the informers; make it before they run."""

    def __init__(self, informers: Informers) -> None:
        self.claims: Informer[PersistentVolumeClaim] = informers.claims
        self.volumes: Informer[PersistentVolume] = informers.volumes
        self.classes: Informer[StorageClass] = informers.storage_classes
        self._free_by_class = Index(self.volumes, _class_of_free)
        self._volumes_by_claim = Index(self.volumes, _kept_for)
        self._claims_by_volume = Index(self.claims, lambda one: (one.spec.volumeName,) if one.spec.volumeName else ())
        self._unbound_by_class = Index(self.claims, _wanted_class)

    def candidates(self, claim: PersistentVolumeClaim) -> list[PersistentVolume]:
        """The volumes of the claim's class that are nobody's, and those set aside for it whatever their class."""
        return [*self.kept_for(key(claim)), *self._free_by_class.get(claim.spec.storageClassName)]

    def kept_for(self, claim: Key) -> list[PersistentVolume]:
        """Volumes that refer to a claim of that name."""
        return self._volumes_by_claim.get((claim.namespace, claim.name))

    def naming(self, volume: str) -> list[PersistentVolumeClaim]:
        """Claims that have the volume, or want it."""
        return self._claims_by_volume.get(volume)

    def waiting(self, storage_class: str, *, classless: bool) -> Iterator[PersistentVolumeClaim]:
        """Claims of the class without a volume; also those that have no class yet."""
        yield from self._unbound_by_class.get(storage_class)
        if classless:
            yield from self._unbound_by_class.get(_NO_CLASS)

    def who_may_want(self, volume: PersistentVolume) -> Iterator[PersistentVolumeClaim]:
        """Claims that a volume without one could serve."""
        if not volume.spec.HasField("claimRef"):
            yield from self.waiting(volume.spec.storageClassName, classless=False)

    def default_class(self) -> str | None:
        """The class of claims that name none: of several, the newest."""
        found = [one.metadata for one in self.classes.list() if storageclasses.is_default(one)]
        newest = min(found, key=lambda one: (-one.creationTimestamp.seconds, one.name), default=None)
        return newest.name if newest is not None else None


def _kept_for(volume: PersistentVolume) -> tuple[tuple[str, str], ...]:
    kept = volume.spec.claimRef
    return ((kept.namespace, kept.name),) if volume.spec.HasField("claimRef") else ()


def _class_of_free(volume: PersistentVolume) -> tuple[str, ...]:
    return () if volume.spec.HasField("claimRef") else (volume.spec.storageClassName,)


def _wanted_class(claim: PersistentVolumeClaim) -> tuple[str, ...]:
    return () if claim.spec.volumeName else (claim.spec.storageClassName,)
