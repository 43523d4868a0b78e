"""What a request for a certificate asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Asked:
    """The names in a request (PKCS #10); `others` are names that are neither of DNS nor addresses."""

    common_name: str
    organizations: tuple[str, ...]
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def parse(request: bytes) -> Asked:
    """Raises ValueError for what is no request."""
    found = x509.load_pem_x509_csr(request)
    attributes = found.subject.get_attributes_for_oid
    names = _names(found)
    return Asked(
        "".join(str(each.value) for each in attributes(NameOID.COMMON_NAME)),
        tuple(str(each.value) for each in attributes(NameOID.ORGANIZATION_NAME)),
        tuple(name.value for name in names if isinstance(name, x509.DNSName)),
        tuple(str(name.value) for name in names if isinstance(name, x509.IPAddress)),
        tuple(str(name.value) for name in names if not isinstance(name, (x509.DNSName, x509.IPAddress))),
    )


def _names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []
