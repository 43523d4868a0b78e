"""What HAProxy is given, and what of it makes another configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from podlab_testing.ingresses import NAMESPACE, endpoint, ingress, ingress_class, service, slice_of

from node.ingress.certificates import Found
from node.ingress.config import Listening
from node.ingress.wanted import Cluster, Wanted, wanted

AT = ingress("site", {"shop.example": [("/", "Prefix", "web")]}, tls={"one": ["shop.example"], "bad": []})
PLACE = (NAMESPACE, "web")


def cluster(*addresses: str) -> Cluster:
    slices = [slice_of("web", 8080, *map(endpoint, addresses))]
    certificates = {"one": Found(b"PEM"), "bad": Found(faults=(("BadCertificate", "broken"),))}
    return Cluster(
        [AT], [ingress_class()], {PLACE: service("web")}, {PLACE: slices}, lambda claim: certificates[claim.secret]
    )


def made(of: Cluster, **places: int) -> Wanted:
    return wanted(of, Listening(80, 443, "127.0.0.1:8404"), Path("/run/default.pem"), places)


def test_other_endpoints_are_no_other_configuration() -> None:
    first, second = made(cluster("10.244.0.5")), made(cluster("10.244.0.6", "10.244.0.7"))
    assert first.generation == second.generation
    config = first.files(Path("/run/g"), first.generation)["haproxy.cfg"].decode()
    assert "  server s1 10.244.0.5:8080\n  server s2 127.0.0.1:1 disabled\n" in config


def test_more_room_or_another_certificate_is_another_configuration() -> None:
    now = cluster("10.244.0.5")
    more = cluster(*(f"10.244.0.{last}" for last in range(5, 11)))
    renewed = replace(now, certificate=lambda claim: Found(b"OTHER"))
    assert len({made(each).generation for each in (now, more, renewed)}) == 3


def test_files_name_each_other_in_the_generation_s_folder() -> None:
    found = made(cluster("10.244.0.5"))
    files = found.files(Path("/run/g-1"), "1")
    name = Found(b"PEM").name
    assert files["certificates.list"] == f"/run/default.pem\n/run/g-1/{name} shop.example\n".encode()
    assert files[name] == b"PEM"
    assert files["prefix.map"] == b"shop.example/ shop:web:80\n"
    assert b"crt-list /run/g-1/certificates.list" in files["haproxy.cfg"]


def test_what_is_wrong_with_backends_and_certificates_is_told_of_their_ingress() -> None:
    found = made(replace(cluster(), services={}))
    assert [(each.owner[1], each.reason) for each in found.claims.problems] == [
        ("site", "ServiceNotFound"),
        ("site", "BadCertificate"),
    ]


def test_what_is_followed_is_what_is_named() -> None:
    found = made(cluster())
    assert found.services == {PLACE}


def test_before_ingresses_are_known_nobody_is_listened_to() -> None:
    config = Wanted().files(Path("/run/g"), "nothing")["haproxy.cfg"].decode()
    assert [line.strip() for line in config.splitlines() if "bind" in line.split()[:1]] == ["bind 127.0.0.1:8404"]
