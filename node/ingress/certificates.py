"""Certificates of Secrets, as HAProxy takes them, and the one that is shown where there is none."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from node.ingress.routes import CertificateClaim
from podlab.api.secrettypes import TLS
from podlab.core.v1.config_pb2 import Secret
from podlab.subject import Subject

_CERTIFICATE, _KEY = "tls.crt", "tls.key"
_DEFAULT_DAYS = 3650


@dataclass(frozen=True)
class Found:
    """`pem` is empty where nothing can be shown; `faults` are reasons and messages."""

    pem: bytes = b""
    faults: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The file's, after what is in it."""
        return f"{hashlib.sha256(self.pem).hexdigest()[:16]}.pem"


def of_claim(claim: CertificateClaim, secret: Secret | None, scratch: Path, now: datetime) -> Found:
    """What the claim's Secret has; `scratch` is a directory that only this user reads. Raises OSError."""
    where = f"{claim.field}.secretName: Secret {claim.namespace}/{claim.secret}"
    instead = "the default certificate is shown"
    if secret is None:
        return Found(faults=(("SecretNotFound", f"{where} of type {TLS} does not exist: {instead}"),))
    missing = [name for name in (_CERTIFICATE, _KEY) if not secret.data.get(name)]
    if missing:
        return Found(faults=(("BadCertificate", f"{where} has no {' and no '.join(missing)}: {instead}"),))
    pem = secret.data[_CERTIFICATE].rstrip() + b"\n" + secret.data[_KEY].rstrip() + b"\n"
    try:
        certificate = x509.load_pem_x509_certificate(secret.data[_CERTIFICATE])
        names = frozenset(_names(certificate))
    except ValueError as error:
        return Found(faults=(("BadCertificate", f"{where}: {_CERTIFICATE} is no certificate ({error}): {instead}"),))
    if refusal := _refusal(pem, scratch):
        return Found(
            faults=(("BadCertificate", f"{where}: {_CERTIFICATE} and {_KEY} do not go: {refusal}: {instead}"),)
        )
    return Found(pem, tuple(_warnings(where, certificate, names, claim, now)))


def _warnings(
    where: str, certificate: x509.Certificate, names: frozenset[str], claim: CertificateClaim, now: datetime
) -> Iterator[tuple[str, str]]:
    """What clients will not like; it is shown all the same."""
    if now > certificate.not_valid_after_utc:
        yield "CertificateExpired", f"{where}: it ended at {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    strange = [host for host in claim.hosts if host not in names and f"*.{host.partition('.')[2]}" not in names]
    if strange:
        yield "CertificateNames", f"{where}: it does not name {', '.join(strange)}"


def _names(certificate: x509.Certificate) -> Iterator[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    yield from (name.lower() for name in found.get_values_for_type(x509.DNSName))


@lru_cache(maxsize=1024)
def _refusal(pem: bytes, scratch: Path) -> str:
    """What OpenSSL, which HAProxy uses too, says of it; empty when it takes it. It reads files only."""
    path = scratch / "candidate.pem"
    path.touch(mode=0o600)
    try:
        path.write_bytes(pem)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, password=lambda: b"")
    except ssl.SSLError as error:
        return error.reason or str(error)
    finally:
        path.unlink()
    return ""


def default(path: Path, now: datetime) -> None:
    """Makes what is shown for hosts without a certificate, which nobody trusts, unless it is there. Raises OSError."""
    if path.exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = Subject("Podlab Ingress: no certificate for this host").to_name()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DEFAULT_DAYS))
        .sign(key, hashes.SHA256())
    )
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    partial = path.with_suffix(".tmp")
    partial.touch(mode=0o600)
    partial.write_bytes(made.public_bytes(serialization.Encoding.PEM) + kept)
    partial.replace(path)


def now() -> datetime:
    return datetime.now(UTC)
