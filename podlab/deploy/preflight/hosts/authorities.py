"""Who signs a cluster's certificates, as hosts and this machine know it: by it clusters are told apart. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

_SHOWN_OF_KEY: Final = 8


@dataclass(frozen=True)
class Authority:
    """`key` is its key's identifier (RFC 5280, 4.2.1.2) in hexadecimal digits; its certificate begins at `since`."""

    key: str
    since: datetime

    def __str__(self) -> str:
        """As `podlab certs` shows it behind a name, and since when it is one."""
        return f"{self.key[:_SHOWN_OF_KEY]} (since {self.since:%Y-%m-%d %H:%M} UTC)"


def parse(pem: str) -> tuple[Authority, ...]:
    """Those in a ca.crt. None in a text that is no certificate: a deployment writes such a file anew."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return ()
    return tuple(map(_authority, found))


def keys(pems: Iterable[str]) -> frozenset[str]:
    """Those of all authorities in these texts."""
    return frozenset(each.key for pem in pems for each in parse(pem))


def _authority(certificate: x509.Certificate) -> Authority:
    key = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()
    return Authority(key, certificate.not_valid_before_utc)
