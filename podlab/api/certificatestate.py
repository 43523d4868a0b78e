"""Who signs certificates, and what has become of a request for one."""

from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest

CLIENTS = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENTS = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVERS = "kubernetes.io/kubelet-serving"
"""Signers, by whom they sign for.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
"""


def state(item: CertificateSigningRequest) -> str:
    """As kubectl says what has become of a request."""
    found = {condition.type for condition in item.status.conditions}
    words = ["Denied"] if "Denied" in found else ["Approved"] if "Approved" in found else []
    words += ["Failed"] if "Failed" in found else []
    words += ["Issued"] if item.status.certificate else []
    return ",".join(words) or "Pending"
