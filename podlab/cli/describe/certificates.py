"""Requests for certificates."""

from podlab.api import certificatestate
from podlab.api.values import times
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, events, heading
from podlab.cli.describe.layout import Fields


def request(found: CertificateSigningRequest, related: Related) -> Fields:
    spec = found.spec
    duration = times.duration(spec.expirationSeconds) if spec.HasField("expirationSeconds") else ""
    rows = [[one.type, one.status, one.reason, one.message] for one in found.status.conditions]
    return [
        *heading(found.metadata, namespaced=False),
        layout.field("Requesting User", spec.username),
        layout.field("Groups", list(spec.groups)),
        layout.field("Signer", spec.signerName),
        layout.field("Requested Duration", duration),
        layout.field("Usages", list(spec.usages)),
        layout.field("Status", certificatestate.state(found)),
        layout.table("Conditions", ["Type", "Status", "Reason", "Message"], rows),
        events(related),
    ]
