"""What has become of a request for a certificate."""

from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest


def state(item: CertificateSigningRequest) -> str:
    """As kubectl says what has become of a request."""
    found = {condition.type for condition in item.status.conditions}
    words = ["Denied"] if "Denied" in found else ["Approved"] if "Approved" in found else []
    words += ["Failed"] if "Failed" in found else []
    words += ["Issued"] if item.status.certificate else []
    return ",".join(words) or "Pending"
