"""Requests for certificates, and what has been decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest

CLIENT = ("client auth", "digital signature")


def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pkcs10(
    name: str,
    *groups: str,
    hosts: Sequence[str] = (),
    email: str = "",
    also: str = "",
    with_key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """A request as PEM; `also` is another common name."""
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    names.extend(x509.NameAttribute(NameOID.COMMON_NAME, one) for one in (name, also) if one)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    others: list[x509.GeneralName] = [_general(host) for host in hosts]
    if email:
        others.append(x509.RFC822Name(email))
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    return builder.sign(with_key or key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def request(
    content: bytes,
    signer: str,
    *decisions: str,
    usages: Sequence[str] = CLIENT,
    by: str = "jane",
    groups: Sequence[str] = (),
) -> CertificateSigningRequest:
    made = CertificateSigningRequest()
    made.metadata.name, made.metadata.creationTimestamp.seconds = "jane", 1_000_000
    made.spec.request, made.spec.signerName = content, f"kubernetes.io/{signer}"
    made.spec.usages.extend(usages)
    made.spec.username = by
    made.spec.groups.extend(groups)
    for decision in decisions:
        made.status.conditions.add(type=decision, status="True").lastUpdateTime.seconds = 1_000_000
    return made


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
