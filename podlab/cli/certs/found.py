"""What was found of a cluster's certificates, put together into lines, the most urgent first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from podlab import subject

PKI = "pki"
WARN_WITHIN = timedelta(days=30)
_SHOWN_OF_KEY = 4
USES = {
    "admin": "the administrator's",
    "apiserver": "serves the API, asks components",
    "scheduler": "serves, asks the API",
    "controllers": "serves, asks the API",
    "kubelet": "serves, asks the API",
    "proxy": "serves, asks the API",
    "dns": "serves, asks the API",
    "ingress": "asks the API",
    "front-proxy-client": "asks servers behind APIServices",
    "ca": "signs all certificates of the cluster",
    "front-proxy/ca": "signs the front proxy's certificate",
    "etcd": "serves API servers and other members",
    "etcd-client": "asks etcd",
    "etcd/ca": "signs etcd's certificates",
    "signing/ca": "signs what CertificateSigningRequests ask for",
}


@dataclass(frozen=True)
class SeenCertificate:
    """A certificate at one place: `pki` on this machine, or the port that it was shown at. `owner` is as n1/kubelet."""

    owner: str
    place: str
    certificate: x509.Certificate


@dataclass(frozen=True)
class Unseen:
    """A port that did not show its certificate, and why."""

    owner: str
    place: str
    cause: str


@dataclass(frozen=True)
class Line:
    """A certificate, all places where it is, and what is wrong with that."""

    owner: str
    use: str
    issuer: str
    expires: datetime
    days_left: int
    places: tuple[str, ...]
    note: str = ""


def lines(found: Iterable[SeenCertificate], now: datetime) -> list[Line]:
    """One for each certificate of each owner, those that end first before others."""
    places: dict[tuple[str, bytes], list[SeenCertificate]] = defaultdict(list)
    kept: dict[str, set[bytes]] = defaultdict(set)
    for each in found:
        fingerprint = each.certificate.fingerprint(hashes.SHA256())
        places[each.owner, fingerprint].append(each)
        if each.place == PKI:
            kept[each.owner].add(fingerprint)
    made = [
        _line(of_one, now, is_kept=not kept[owner] or fingerprint in kept[owner])
        for (owner, fingerprint), of_one in places.items()
    ]
    return sorted(made, key=lambda line: (line.expires, line.owner))


def _line(found: Sequence[SeenCertificate], now: datetime, *, is_kept: bool) -> Line:
    first = found[0]
    left = first.certificate.not_valid_after_utc - now
    return Line(
        owner=first.owner,
        use=USES.get(first.owner, USES.get(first.owner.rpartition("/")[2], "")),
        issuer=issuer(first.certificate),
        expires=first.certificate.not_valid_after_utc,
        days_left=left.days,
        places=tuple(each.place for each in found),
        note="" if is_kept else "pki holds another one: rotate-certs.yml or site.yml brings it",
    )


def warnings(of: Iterable[Line], unseen: Iterable[Unseen]) -> list[str]:
    """What an administrator has to do something about."""
    told = [
        f"{each.owner} {'has ended' if each.days_left < 0 else f'ends in {each.days_left} days'}: {_remedy(each.owner)}"
        for each in of
        if timedelta(days=each.days_left) < WARN_WITHIN
    ]
    return told + [f"{each.owner} at {each.place} shows no certificate: {each.cause}" for each in unseen]


def _remedy(owner: str) -> str:
    options = {"ca": " -e ca=true", "front-proxy/ca": " -e front_proxy=true"}.get(owner, "")
    if owner == "signing/ca":
        return "playbooks/rotate-keys.yml -e what=signing replaces it"
    return f"playbooks/rotate-certs.yml{options} replaces it"


def issuer(certificate: x509.Certificate) -> str:
    """Its name, and the beginning of its key's identifier, by which two of one name are told apart."""
    try:
        name = subject.read(certificate.issuer).common_name
    except ValueError:  # of nobody whom Podlab would know
        name = "another"
    return f"{name} {key}" if (key := _issuers_key(certificate)) else name


def _issuers_key(certificate: x509.Certificate) -> str:
    extensions = certificate.extensions
    try:
        identifier = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        try:
            identifier = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        except x509.ExtensionNotFound:
            return ""
    return (identifier or b"")[:_SHOWN_OF_KEY].hex()
