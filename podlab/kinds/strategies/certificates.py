"""Requests for certificates: whose they are, what never changes, and when what was decided came to be."""

from __future__ import annotations

from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest as Request
from podlab.kinds.strategy import Author
from podlab.meta.v1 import meta_pb2


def record_author(new: Request, author: Author) -> None:
    """Whoever makes a request, it says who that is."""
    spec = new.spec
    spec.username, spec.uid = author.name, author.uid
    spec.groups[:] = sorted(author.groups)
    spec.extra.clear()
    for key, values in author.extra.items():
        spec.extra[key].items.extend(values)


def keep_spec(new: Request, old: Request) -> None:
    """A request never changes what it asks for."""
    new.spec.CopyFrom(old.spec)


def stamp(new: Request, old: Request, now: meta_pb2.Time) -> None:
    """Conditions say when they came to be."""
    before = {condition.type: condition for condition in old.status.conditions}
    for condition in new.status.conditions:
        known = before.get(condition.type)
        if not condition.HasField("lastUpdateTime"):
            condition.lastUpdateTime.CopyFrom(now if known is None else known.lastUpdateTime)
        if not condition.HasField("lastTransitionTime"):
            condition.lastTransitionTime.CopyFrom(now if known is None else known.lastTransitionTime)
