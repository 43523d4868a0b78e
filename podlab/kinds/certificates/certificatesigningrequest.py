"""The kind CertificateSigningRequest."""

from datetime import datetime

from podlab.api import certificatestate
from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.api.values import times
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import APPROVAL, STATUS

_NONE = "<none>"


def _cells(item: CertificateSigningRequest, now: datetime) -> Cells:
    asked_for = times.duration(item.spec.expirationSeconds) if item.spec.HasField("expirationSeconds") else _NONE
    return [
        item.metadata.name,
        age(item, now),
        item.spec.signerName or _NONE,
        item.spec.username,
        asked_for,
        certificatestate.state(item),
    ]


def _strategy() -> Strategy:
    from podlab.kinds.strategies import certificates as requests
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.cluster import certificates
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        record_author=requests.record_author,
        prepare_for_update=requests.keep_spec,
        prepare_for_status_update=requests.stamp,
        rules=Rules(certificates.check_request, status=certificates.check_request_status, name=syntax.path_segment),
    )


RESOURCE = Resource(
    of(CertificateSigningRequest),
    subresources=(
        APPROVAL,
        STATUS,
    ),
    table=Table(_cells, ("NAME", "AGE", "SIGNERNAME", "REQUESTOR", "REQUESTEDDURATION", "CONDITION")),
    selectable_fields=("spec.signerName",),
    load_strategy=_strategy,
)
