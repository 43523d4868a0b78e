"""The classes that claims and Ingresses get when they name none, and whether a claim may grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from master.apiserver.admission.rules.refusal import forbidden
from podlab.api.ingresses import CLASS_ANNOTATION, DEFAULT_CLASS_ANNOTATION
from podlab.api.storageclasses import DEFAULT_CLASS
from podlab.api.values import quantity
from podlab.core.v1 import volume_pb2
from podlab.networking.v1 import ingress_pb2
from podlab.storage.v1 import storageclass_pb2

C = TypeVar("C", storageclass_pb2.StorageClass, ingress_pb2.IngressClass)


def complete_claim(
    claim: volume_pb2.PersistentVolumeClaim, classes: Mapping[str, storageclass_pb2.StorageClass]
) -> None:
    """A claim that names no class, not even an empty one, gets the default one."""
    if claim.spec.HasField("storageClassName"):
        return
    if name := _default(classes.values(), DEFAULT_CLASS):
        claim.spec.storageClassName = name


def complete_ingress(ingress: ingress_pb2.Ingress, classes: Mapping[str, ingress_pb2.IngressClass]) -> None:
    """An Ingress that names no class, not in the old way either, gets the default one."""
    if ingress.spec.HasField("ingressClassName") or CLASS_ANNOTATION in ingress.metadata.annotations:
        return
    if name := _default(classes.values(), DEFAULT_CLASS_ANNOTATION):
        ingress.spec.ingressClassName = name


def check_growth(
    new: volume_pb2.PersistentVolumeClaim,
    old: volume_pb2.PersistentVolumeClaim,
    classes: Mapping[str, storageclass_pb2.StorageClass],
) -> None:
    """Raises Forbidden when the claim asks for more and its class does not let it."""
    sizes = [quantity.parse(each.spec.resources.requests["storage"]) for each in (old, new)]
    if sizes[1] <= sizes[0]:
        return
    found = classes.get(old.spec.storageClassName)
    if found is None or not found.allowVolumeExpansion:
        raise forbidden(
            new,
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support"
            " resize",
        )


def _default(classes: Iterable[C], annotation: str) -> str:
    """Of several, the newest; of several as new, the first by name. Empty when there is none."""
    found = [each for each in classes if each.metadata.annotations.get(annotation) == "true"]
    found.sort(key=lambda each: (-each.metadata.creationTimestamp.seconds, each.metadata.name))
    return found[0].metadata.name if found else ""
