"""What a request for a certificate asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from podlab import subject
from podlab.subject import Subject


@dataclass(frozen=True)
class RequestedNames:
    """The names in a request (PKCS #10); `others` are names that are neither of DNS nor addresses."""

    subject: Subject
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def parse(request: bytes) -> RequestedNames:
    """Raises ValueError for what is no request, and for one that does not name exactly one user."""
    found = x509.load_pem_x509_csr(request)
    names = _names(found)
    return RequestedNames(
        subject.read(found.subject),
        tuple(name.value for name in names if isinstance(name, x509.DNSName)),
        tuple(str(name.value) for name in names if isinstance(name, x509.IPAddress)),
        tuple(str(name.value) for name in names if not isinstance(name, (x509.DNSName, x509.IPAddress))),
    )


def _names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:  # of no common root but Exception
        raise ValueError(f"the extensions of the request cannot be read: {error}") from error
