"""`podlab certs` reads what ports of a real server show, and what stands in a PKI."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography.hazmat.primitives import serialization
from podlab_testing.cluster import Cluster
from podlab_testing.served import pem_to_der

from podlab.cli.certs import reading
from podlab.cli.certs.found import PKI, SeenCertificate, Unseen, lines


async def test_both_ports_show_the_servers_certificate_and_a_closed_one_is_told_of(
    cluster: Cluster, free_ports: tuple[int, ...]
) -> None:
    grpc, closed, rest = (("m1/apiserver", "127.0.0.1", port) for port in free_ports)
    seen = await reading.shown([grpc, rest, closed])
    shown = [each for each in seen if isinstance(each, SeenCertificate)]
    (unseen,) = [each for each in seen if isinstance(each, Unseen)]
    assert [each.place for each in shown] == [f"127.0.0.1:{grpc[2]}", f"127.0.0.1:{rest[2]}"]
    der = pem_to_der(cluster.settings.tls)
    assert {each.certificate.public_bytes(serialization.Encoding.DER) for each in shown} == {der}
    (line,) = lines(shown, datetime.now(UTC))
    assert line.days_left in (364, 365)
    assert unseen.place == f"127.0.0.1:{closed[2]}"
    assert "refused" in unseen.cause
    kept = {each.owner: each for each in reading.kept(cluster.settings.tls.ca.parent)}
    assert kept["ca"].place == PKI
    assert kept["signing/ca"].certificate != kept["ca"].certificate


async def test_open_ports_are_known_by_what_the_api_server_knows(cluster: Cluster) -> None:
    found = await reading.listening(await cluster.client())
    assert {(owner.partition("/")[2], port) for owner, _, port in found} == {
        ("apiserver", 7443),
        ("apiserver", 6443),
    }
    assert {address for _, address, _ in found} == {cluster.settings.advertise_address}
