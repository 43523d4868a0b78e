"""Where a cluster's certificates are found: in its PKI on this machine, and at the ports of its hosts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography import x509

from podlab import pki, ports
from podlab.api.selection.labels import HOSTNAME_LABEL
from podlab.cli.certs.found import PKI, SeenCertificate, Unseen
from podlab.cli.info import SERVERS
from podlab.client.client import Client
from podlab.client.leaderelection.decide import ADDRESS, NAMESPACE
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.node_pb2 import Node

ASKED_WITHIN_S = 5.0
# Scheduler and controllers listen to API servers alone, most of them to that of their own host.
_ON_MASTERS = (("apiserver", ports.APISERVER), ("apiserver", ports.REST))
_ON_NODES = (("kubelet", ports.KUBELET), ("proxy", ports.PROXY), ("dns", ports.DNS))
# What an authority's file held before its last step.
_PAST = "before"

Port = tuple[str, str, int]
"""Whose certificate it shows, its address, its number."""


def kept(folder: Path) -> Iterator[SeenCertificate]:
    """Those in the PKI's folder. Raises PkiError, OSError."""
    for path in sorted(folder.rglob("*.crt")):
        if path.stem != _PAST:
            owner = str(path.relative_to(folder).with_suffix(""))
            for certificate in pki.read_certificates(path):
                yield SeenCertificate(owner, PKI, certificate)


async def listening(client: Client) -> list[Port]:
    """The ports with certificates of ours that are open to other hosts, by what the API server knows of its like and of
    nodes. Raises ApiError."""
    servers = (await client.list(Lease, namespace=NAMESPACE, label_selector=SERVERS)).items
    nodes = (await client.list(Node)).items
    found: list[Port] = []
    for lease in servers:
        host = lease.metadata.labels[HOSTNAME_LABEL]
        address = lease.metadata.annotations[ADDRESS].rpartition(":")[0].strip("[]")
        found += [(f"{host}/{name}", address, port) for name, port in _ON_MASTERS]
    for node in nodes:
        addresses = [each.address for each in node.status.addresses if each.type == "InternalIP"]
        found += [
            (f"{node.metadata.name}/{name}", address, port) for address in addresses[:1] for name, port in _ON_NODES
        ]
    return found


async def shown(of: Iterable[Port]) -> list[SeenCertificate | Unseen]:
    """What each port shows to a new connection, whoever has signed it."""
    return list(await asyncio.gather(*(_shown(*each) for each in of)))


async def _shown(owner: str, address: str, port: int) -> SeenCertificate | Unseen:
    place = f"{address}:{port}"
    try:
        async with asyncio.timeout(ASKED_WITHIN_S):
            _, writer = await asyncio.open_connection(address, port, ssl=_anybody())
        try:
            der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return SeenCertificate(owner, place, x509.load_der_x509_certificate(der))
        finally:
            writer.transport.abort()
    except (OSError, ValueError) as error:  # TimeoutError and ssl.SSLError are OSErrors
        return Unseen(owner, place, str(error) or f"no answer within {ASKED_WITHIN_S:.0f} s")


def _anybody() -> ssl.SSLContext:
    """It is looked at, not believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context
