"""What `get` prints for requests for certificates."""

from datetime import datetime

from podlab.api import times
from podlab.api.cells import Cells, Table, age
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest

_NONE = "<none>"


def _request(item: CertificateSigningRequest, now: datetime) -> Cells:
    asked_for = times.duration(item.spec.expirationSeconds) if item.spec.HasField("expirationSeconds") else _NONE
    return [
        item.metadata.name,
        age(item, now),
        item.spec.signerName or _NONE,
        item.spec.username,
        asked_for,
        state(item),
    ]


def state(item: CertificateSigningRequest) -> str:
    """As kubectl says what has become of a request."""
    found = {condition.type for condition in item.status.conditions}
    words = ["Denied"] if "Denied" in found else ["Approved"] if "Approved" in found else []
    words += ["Failed"] if "Failed" in found else []
    words += ["Issued"] if item.status.certificate else []
    return ",".join(words) or "Pending"


TABLES = {
    "CertificateSigningRequest": Table(
        _request, ("NAME", "AGE", "SIGNERNAME", "REQUESTOR", "REQUESTEDDURATION", "CONDITION")
    ),
}
