"""What HAProxy is to do for the cluster as it is, from nothing but its objects and certificates. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from node.ingress import config, slots
from node.ingress.backends import Address, Backend, resolve
from node.ingress.certificates import Found
from node.ingress.config import Listening
from node.ingress.routes import CertificateClaim, Claims, Problem, claims, ours
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.networking.v1.ingress_pb2 import Ingress, IngressClass

Place = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class Cluster:
    """What of the cluster matters. `certificate` tells what the Secret that is claimed has."""

    ingresses: Iterable[Ingress]
    classes: Iterable[IngressClass]
    services: Mapping[Place, Service]
    slices: Mapping[Place, Iterable[EndpointSlice]]
    certificate: Callable[[CertificateClaim], Found]


@dataclass(frozen=True)
class Wanted:
    """`generation` names all that a running HAProxy cannot be told: it is the same when only endpoints differ."""

    claims: Claims = field(default_factory=Claims)
    backends: tuple[Backend, ...] = ()
    certificates: tuple[tuple[CertificateClaim, Found], ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    listening: Listening = field(default_factory=lambda: Listening(0, 0, "127.0.0.1:8404"))
    default_certificate: Path = Path("default.pem")

    @property
    def endpoints(self) -> dict[str, tuple[Address, ...]]:
        return {each.port.name: each.endpoints for each in self.backends}

    @property
    def services(self) -> frozenset[Place]:
        return frozenset((each.port.namespace, each.port.service) for each in self.backends)

    @property
    def generation(self) -> str:
        empty = [Backend(each.port, (), each.spoken) for each in self.backends]
        total = hashlib.sha256()
        for name, content in sorted(self._files(Path(), "", empty).items()):
            total.update(name.encode() + b"\0" + content + b"\0")
        return total.hexdigest()[:16]

    def files(self, folder: Path, generation: str) -> dict[str, bytes]:
        """By name; with the endpoints as they are now."""
        return self._files(folder, generation, self.backends)

    def _files(self, folder: Path, generation: str, backends: Iterable[Backend]) -> dict[str, bytes]:
        usable = [(claim, found) for claim, found in self.certificates if found.pem]
        # Hosts that are told come before those that a certificate names by itself.
        shown = sorted({(not claim.hosts, found.name, claim.hosts) for claim, found in usable})
        texts = {
            config.CONFIG: config.configuration(folder, generation, self.listening, backends, self.places),
            config.CERTIFICATES: config.certificate_list(
                folder, self.default_certificate, [(name, hosts) for _, name, hosts in shown]
            ),
            **config.maps(self.claims),
        }
        return {name: text.encode() for name, text in texts.items()} | {found.name: found.pem for _, found in usable}


def wanted(
    cluster: Cluster, listening: Listening, default_certificate: Path, places_before: Mapping[str, int]
) -> Wanted:
    """`places_before` are those of the generation in use: a backend keeps what it has."""
    classes = list(cluster.classes)
    claimed = claims(each for each in cluster.ingresses if ours(each, classes))
    problems = list(claimed.problems)
    backends = []
    for port, owner in claimed.backends.items():
        at = (port.namespace, port.service)
        backends.append(resolve(port, cluster.services.get(at), cluster.slices.get(at, ())))
        if fault := backends[-1].fault:
            problems.append(Problem(owner, *fault))
    certificates = [(claim, cluster.certificate(claim)) for claim in claimed.certificates]
    problems += [Problem(claim.owner, *fault) for claim, found in certificates for fault in found.faults]
    places = {
        each.port.name: slots.count(len(each.endpoints), places_before.get(each.port.name, 0)) for each in backends
    }
    return Wanted(
        Claims(claimed.routes, claimed.defaults, claimed.certificates, tuple(problems)),
        tuple(backends),
        tuple(certificates),
        places,
        listening,
        default_certificate,
    )
