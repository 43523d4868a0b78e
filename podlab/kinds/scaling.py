"""How many replicas an object is to have, and has, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from google.protobuf.message import Message

from podlab.api.cells import Cells, Table, age
from podlab.api.objects import metadata
from podlab.api.selection import selectors
from podlab.autoscaling.v1.scale_pb2 import Scale, ScaleSpec, ScaleStatus


@dataclass(frozen=True, slots=True)
class Replicas:
    """`selector` is that of its pods, as text; empty where nothing is known of them."""

    wanted: int
    there: int
    selector: str


class Scaling(Protocol):
    """Where an object's kind keeps the number."""

    @property
    def path(self) -> tuple[str, ...]:
        """The members that lead to the number that is wanted."""
        ...

    def replicas(self, message: Any) -> Replicas:
        """What the object says."""
        ...

    def set_replicas(self, message: Any, count: int) -> None:
        """So many are wanted from now on."""
        ...


class TypedScaling:
    """Of kinds whose messages have fields for it."""

    path = ("spec", "replicas")

    def replicas(self, message: Any) -> Replicas:
        """See Scaling."""
        selector = str(selectors.of_pods(message.spec.selector))
        return Replicas(message.spec.replicas, message.status.replicas, selector)

    def set_replicas(self, message: Any, count: int) -> None:
        """See Scaling."""
        message.spec.replicas = count


TYPED = TypedScaling()


def scale_of(message: Message, scaling: Scaling) -> Scale:
    """The object as a Scale."""
    found, own = scaling.replicas(message), metadata(message)
    made = Scale(
        spec=ScaleSpec(replicas=found.wanted), status=ScaleStatus(replicas=found.there, selector=found.selector)
    )
    for name in ("name", "namespace", "uid", "resourceVersion"):
        setattr(made.metadata, name, getattr(own, name))
    made.metadata.creationTimestamp.CopyFrom(own.creationTimestamp)
    return made


def _cells(scale: Scale, now: datetime) -> Cells:
    return [scale.metadata.name, str(scale.spec.replicas), str(scale.status.replicas), age(scale, now)]


SCALE_TABLE: Final = Table(
    _cells, ("NAME", "DESIRED", "AVAILABLE", "AGE"), types={"DESIRED": "integer", "AVAILABLE": "integer"}
)
"""What `kubectl get --subresource=scale` prints."""
