"""Signs: makes of a request the certificate that it asks for, with this authority's key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from master.controllers.settings import SigningSettings
from podlab.pki import SIGNED_BACKDATED, PkiError, read_key

_EXTENDED = {"client auth": ExtendedKeyUsageOID.CLIENT_AUTH, "server auth": ExtendedKeyUsageOID.SERVER_AUTH}
_KEY_USAGES = frozenset({"digital signature", "key encipherment"})


class Signer:
    """Raises PkiError, OSError when the authority's files are not a certificate and its key."""

    def __init__(self, signing: SigningSettings) -> None:
        try:
            authorities = x509.load_pem_x509_certificates(signing.cert.read_bytes())
        except ValueError as error:
            raise PkiError(f"{signing.cert} is no certificate: deploy again") from error
        self._key = read_key(signing.key)
        self._public_key = self._key.public_key()
        # Beside the one that signs there may be others, which are trusted as well.
        own = [each for each in authorities if each.public_key() == self._public_key]
        if not own:
            raise PkiError(f"{signing.key} is not the key of {signing.cert}: deploy again")
        self._certificate = own[0]

    def sign(self, request: bytes, usages: Sequence[str], lifetime_s: int) -> bytes:
        """The certificate as PEM. It ends no later than the authority's own. Raises ValueError for a key of no use."""
        found = x509.load_pem_x509_csr(request)
        key = found.public_key()
        if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
            raise ValueError("the public key is neither of RSA nor of an elliptic curve")  # noqa: TRY004 - it is data
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(found.subject)
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - SIGNED_BACKDATED)
            .not_valid_after(min(now + timedelta(seconds=lifetime_s), self._certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_extended(usages)), critical=False)
            .add_extension(self._identifier(), critical=False)
        )
        if _KEY_USAGES & set(usages):  # one that allows nothing would forbid all: TLS refuses such a certificate
            builder = builder.add_extension(_key_usage(usages), critical=True)
        try:
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            builder = builder.add_extension(names, critical=False)
        except x509.ExtensionNotFound:
            pass  # it asks for no names
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._public_key)


def ends_at(certificate: bytes) -> float | None:
    """When it ends (Unix seconds); None for what cannot be read."""
    try:
        return x509.load_pem_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except ValueError:
        return None


def _extended(usages: Sequence[str]) -> list[ObjectIdentifier]:
    return [_EXTENDED[usage] for usage in sorted(usages) if usage in _EXTENDED]


def _key_usage(usages: Sequence[str]) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digital signature" in usages,
        content_commitment=False,
        key_encipherment="key encipherment" in usages,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
