"""A cluster's certificate authority and the certificates it signs: EC P-256, one directory, mode 0600.

Everything here is idempotent: what is valid is left alone, so that a deployment with nothing to do changes nothing.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from podlab import subject
from podlab.subject import Subject

CA_NAME = "podlab-ca"
CA_LIFETIME = timedelta(days=3650)
LIFETIME = timedelta(days=365)
# Certificates are renewed by any deployment in their last month.
RENEW_BEFORE = timedelta(days=30)
# Hosts whose clock is behind the controller's accept a new certificate all the same.
BACKDATED = timedelta(hours=1)
# What is signed on request, as in Kubernetes.
SIGNED_BACKDATED = timedelta(minutes=5)


class PkiError(ValueError):
    """The cluster's certificates cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Ca:
    """The authority that signs a cluster's certificates."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Wanted:
    """What a certificate says: who it is for, and under which names and addresses it serves."""

    subject: Subject
    hosts: frozenset[x509.GeneralName]


def ensure_ca(directory: Path, name: str = CA_NAME, lifetime: timedelta = CA_LIFETIME) -> Ca:
    """The directory's authority; made, with that name, when there is none.

    Never renewed by itself: every host has to trust the next one before it signs anything (podlab.deploy.rotation).
    """
    certificate_path, key_path = _paths(directory, "ca")
    if not certificate_path.exists() and not key_path.exists():
        make_directory(directory)
        key = ec.generate_private_key(ec.SECP256R1())
        write(key_path, key_pem(key))
        write(certificate_path, pem(new_authority(key, name, lifetime)))
    ca = load_ca(directory)
    if ca.certificate.not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE:
        raise PkiError(
            f"{certificate_path} ends on {ca.certificate.not_valid_after_utc:%Y-%m-%d}: "
            f"rotate it with playbooks/rotate-certs.yml (docs/certificates.md)"
        )
    return ca


def load_ca(directory: Path) -> Ca:
    """The directory's authority, of those that its ca.crt tells to trust the one whose key is there. Raises PkiError,
    OSError."""
    certificate_path, key_path = _paths(directory, "ca")
    if certificate_path.exists() and key_path.exists():
        key = read_key(key_path)
        for certificate in read_certificates(certificate_path):
            if certificate.public_key() == key.public_key():
                return Ca(certificate, key)
    raise PkiError(
        f"{certificate_path} and {key_path} are not a certificate and its key: "
        f"restore both, or remove both and deploy again for a new authority, with -e preflight_takes_over=true; "
        f"leave all else in the folder"
    )


def read_certificates(path: Path) -> list[x509.Certificate]:
    """All that are in the file. Raises PkiError, OSError."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise PkiError(
            f"{path} is no certificate: restore it, or remove it and its key and deploy again for a new authority, "
            f"with -e preflight_takes_over=true; leave all else in the folder"
        ) from error


def ensure_certificate(
    ca: Ca,
    directory: Path,
    name: str,
    common_name: str,
    organizations: Sequence[str],
    hosts: Sequence[str],
    *,
    lifetime: timedelta = LIFETIME,
) -> bool:
    """See that <name>.crt and <name>.key are there and say just this; True when they had to be made anew.

    `hosts` are DNS names and IP addresses in any order. The certificate is good for both ends of a connection.
    """
    wanted = Wanted(Subject(common_name, tuple(organizations)), frozenset(map(_general_name, hosts)))
    if is_current(ca, directory, name, wanted):
        return False
    make_directory(directory)
    key, certificate = _sign(ca, wanted, lifetime)
    certificate_path, key_path = _paths(directory, name)
    write(key_path, key_pem(key))
    write(certificate_path, pem(certificate))
    return True


def made_at(certificate: x509.Certificate) -> datetime:
    """When it was signed, by the cluster's authority or by the one that signs what is requested."""
    backdated = BACKDATED if certificate.issuer == Subject(CA_NAME, ()).to_name() else SIGNED_BACKDATED
    return certificate.not_valid_before_utc + backdated


def forget_certificate(directory: Path, name: str) -> bool:
    """See that the next `ensure_certificate` makes it anew; False when there is none."""
    certificate_path, _ = _paths(directory, name)
    if not certificate_path.exists():
        return False
    certificate_path.unlink()
    return True


def ensure_key(path: Path) -> bool:
    """See that the file holds a private key; True when one had to be made. Raises PkiError for anything else in it."""
    if path.exists():
        read_key(path)
        return False
    make_directory(path.parent)
    write(path, new_key())
    return True


def new_key() -> bytes:
    """A private key as PEM."""
    return key_pem(ec.generate_private_key(ec.SECP256R1()))


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in the file. Raises PkiError, OSError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise PkiError(f"{path} is no private key: restore it, or remove it and deploy again") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PkiError(f"{path} is no EC key: remove it and deploy again")
    return key


def ensure_file(path: Path, content: bytes) -> bool:
    """See that the file holds this, readable by its owner alone; True when it had to be written."""
    if path.exists() and path.read_bytes() == content:
        return False
    make_directory(path.parent)
    write(path, content)
    return True


def is_current(ca: Ca, directory: Path, name: str, wanted: Wanted) -> bool:
    """Whether the certificate is whole, signed by this authority, says what is wanted, and is not about to end."""
    loaded = _load(directory, name)
    if loaded is None:
        return False
    certificate, _ = loaded
    return (
        _is_signed_by(ca, certificate)
        and _said(certificate) == wanted
        and certificate.not_valid_after_utc - datetime.now(UTC) >= RENEW_BEFORE
    )


def _paths(directory: Path, name: str) -> tuple[Path, Path]:
    return directory / f"{name}.crt", directory / f"{name}.key"


def _load(directory: Path, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """The certificate and its key; None when either is missing or damaged, or when they do not belong together."""
    certificate_path, key_path = _paths(directory, name)
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
        return None
    return certificate, key


def new_authority(
    key: ec.EllipticCurvePrivateKey, common_name: str, lifetime: timedelta = CA_LIFETIME
) -> x509.Certificate:
    """An authority's certificate, which it signs itself."""
    name = Subject(common_name).to_name()
    usage = _key_usage(signs_certificates=True)
    builder = _builder(name, name, key.public_key(), lifetime)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def _sign(ca: Ca, wanted: Wanted, lifetime: timedelta) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    names = x509.SubjectAlternativeName(sorted(wanted.hosts, key=lambda host: str(host.value)))
    both_ends = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = (
        _builder(wanted.subject.to_name(), ca.certificate.subject, key.public_key(), lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(both_ends, critical=False)
        .add_extension(identifier, critical=False)
    )
    if wanted.hosts:
        builder = builder.add_extension(names, critical=False)
    return key, builder.sign(ca.key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _is_signed_by(ca: Ca, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _said(certificate: x509.Certificate) -> Wanted | None:
    """None when it names nobody, or several."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = frozenset(names)
    except x509.ExtensionNotFound:
        hosts = frozenset()
    try:
        return Wanted(subject.read(certificate.subject), hosts)
    except ValueError:
        return None


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_directory(directory: Path) -> None:
    """For its owner alone."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)


def write(path: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by others, not even for a moment (mkstemp's mode is 0600)."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
