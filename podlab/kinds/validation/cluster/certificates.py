"""Requests for certificates, in Kubernetes' words."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509

from podlab import subject
from podlab.certificates.v1 import certificatesigningrequest_pb2 as pb
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

APPROVED, DENIED, FAILED = "Approved", "Denied", "Failed"
DECISIONS = (APPROVED, DENIED, FAILED)
_MIN_S = 600
_LEGACY = "kubernetes.io/legacy-unknown"
USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip


def parse(request: bytes) -> x509.CertificateSigningRequest:
    """The request that the PEM holds, whose signature is good. Raises ValueError."""
    if not request.lstrip().startswith(b"-----BEGIN CERTIFICATE REQUEST-----"):
        raise ValueError("PEM block type must be CERTIFICATE REQUEST")
    try:
        found = x509.load_pem_x509_csr(request)
        good = found.is_signature_valid
    except Exception as error:  # cryptography raises errors of many kinds for what is malformed
        raise ValueError("the certificate request cannot be parsed") from error
    if not good:
        raise ValueError("the signature of the certificate request is not good")
    return found


def check_request(found: Findings, request: pb.CertificateSigningRequest) -> None:
    """A new request; also what has been decided about it."""
    spec = request.spec
    try:
        parse(spec.request)
    except ValueError as error:
        found.invalid("spec.request", spec.request.decode(errors="replace"), str(error))
    _check_signer(found, spec.signerName)
    if not spec.usages:
        found.required("spec.usages")
    for index, usage in enumerate(spec.usages):
        where = f"spec.usages[{index}]"
        found.one_of(where, usage, USAGES)
        if usage in spec.usages[:index]:
            found.duplicate(where, usage)
    if spec.HasField("expirationSeconds") and spec.expirationSeconds < _MIN_S:
        rule = f"may not specify a duration less than {_MIN_S} seconds"
        found.invalid("spec.expirationSeconds", spec.expirationSeconds, rule)


def check_request_status(found: Findings, request: pb.CertificateSigningRequest) -> None:
    """What has been decided, and the certificate."""
    _check_conditions(found, request.status.conditions)
    if request.status.certificate:
        try:
            x509.load_pem_x509_certificates(request.status.certificate)
        except ValueError:
            found.invalid("status.certificate", "<certificate data>", "must contain PEM blocks of certificates")


def _check_signer(found: Findings, signer: str) -> None:
    field = "spec.signerName"
    if not signer:
        found.required(field)
        return
    domain, slash, path = signer.partition("/")
    if not slash or not path:
        found.invalid(field, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        return
    found.invalid(field, domain, *syntax.subdomain(domain))
    if "." not in domain:
        found.invalid(field, domain, "should be a domain with at least two segments separated by dots")
    for segment in path.split("/"):
        found.invalid(field, path, *syntax.subdomain(segment))
    if signer == _LEGACY:
        found.invalid(field, signer, "the legacy signerName is not allowed via this API version")


def _check_conditions(found: Findings, conditions: Iterable[pb.CertificateSigningRequestCondition]) -> None:
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        where = f"status.conditions[{index}]"
        if not condition.type:
            found.required(f"{where}.type")
        if not condition.status:
            found.required(f"{where}.status")
        elif condition.type in DECISIONS:
            found.one_of(f"{where}.status", condition.status, ("True",))
        if condition.type in seen:
            found.duplicate(f"{where}.type", condition.type)
        if condition.type in (APPROVED, DENIED) and seen & {APPROVED, DENIED} - {condition.type}:
            rule = "Approved and Denied conditions are mutually exclusive"
            found.invalid(f"{where}.type", condition.type, rule)
        seen.add(condition.type)


def has_group(request: bytes, group: str) -> bool:
    """Whether the request asks for a certificate of the group. What no signer can read asks for nothing."""
    try:
        return group in subject.read(parse(request).subject).organizations
    except ValueError:
        return False
