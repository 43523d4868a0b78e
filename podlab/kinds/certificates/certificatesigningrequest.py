"""The kind CertificateSigningRequest."""

from podlab.api.kinds import of
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest
from podlab.kinds.resource import Resource
from podlab.kinds.subresource import APPROVAL, STATUS

RESOURCE = Resource(
    of(CertificateSigningRequest),
    subresources=(
        APPROVAL,
        STATUS,
    ),
)
