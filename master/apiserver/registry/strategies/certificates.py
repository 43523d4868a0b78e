"""Requests for certificates: what never changes, and when what was decided came to be."""

from __future__ import annotations

from podlab.api.values import times
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest as Request


def keep_spec(new: Request, old: Request) -> None:
    """A request never changes what it asks for."""
    new.spec.CopyFrom(old.spec)


def stamp(new: Request, old: Request) -> None:
    """Conditions say when they came to be."""
    before = {condition.type: condition for condition in old.status.conditions}
    for condition in new.status.conditions:
        known = before.get(condition.type)
        if not condition.HasField("lastUpdateTime"):
            condition.lastUpdateTime.CopyFrom(times.now() if known is None else known.lastUpdateTime)
        if not condition.HasField("lastTransitionTime"):
            condition.lastTransitionTime.CopyFrom(times.now() if known is None else known.lastTransitionTime)
