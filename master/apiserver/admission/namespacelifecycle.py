"""Namespace lifecycle: nothing is made where there is no namespace, or in one that goes."""

from __future__ import annotations

from google.protobuf.message import Message

from master.apiserver.admission.refusal import forbidden
from podlab.core.v1 import namespace_pb2
from podlab.errors import NAMESPACE_TERMINATING, Cause, NotFound


def check_home(message: Message, name: str, home: namespace_pb2.Namespace | None) -> None:
    """Raises NotFound or Forbidden."""
    if home is None:
        raise NotFound.of("namespaces", name)
    if home.metadata.HasField("deletionTimestamp"):
        why = f"unable to create new content in namespace {name} because it is being terminated"
        raise forbidden(
            message, why, Cause("metadata.namespace", NAMESPACE_TERMINATING, f"namespace {name} is being terminated")
        )
