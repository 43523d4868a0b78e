"""TLS contexts of outgoing connections."""

from __future__ import annotations

import os
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from podlab_testing.pod_servers import ServerAuthority

from master.apiserver.egress.destinations import SYSTEM, Trust
from master.apiserver.egress.trust_store import TrustStore
from podlab.errors import ServiceUnavailable


@pytest.fixture
def servers(tmp_path: Path) -> ServerAuthority:
    return ServerAuthority(tmp_path)


def test_who_is_trusted_alike_shares_a_context(servers: ServerAuthority) -> None:
    store = TrustStore()
    made = store.context(Trust(servers.bundle))
    assert store.context(Trust(servers.bundle, server_name="other")) is made
    assert store.context(SYSTEM) is not made
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_given_authorities_are_the_only_ones(servers: ServerAuthority) -> None:
    (authority,) = TrustStore().context(Trust(servers.bundle)).get_ca_certs()
    assert "podlab" in str(authority["subject"]).lower()


def test_only_who_says_so_trusts_everybody(servers: ServerAuthority) -> None:
    made = TrustStore().context(Trust(insecure=True))
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_NONE, False)


def test_a_client_certificate_that_changes_is_read_again(servers: ServerAuthority) -> None:
    store, trust = TrustStore(), Trust(servers.bundle, client_certificate=servers.client("proxy"))
    made = store.context(trust)
    assert store.context(trust) is made
    certificate = servers.client("proxy")[0]
    os.utime(certificate, ns=(1, 1))
    assert store.context(trust) is not made


def test_no_more_than_so_many_are_kept() -> None:
    store = TrustStore(most=1)
    made = store.context(SYSTEM)
    store.context(Trust(insecure=True))
    assert store.context(SYSTEM) is not made


@pytest.mark.parametrize(
    "bundle", [b"nonsense", b"\xff", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]
)
def test_authorities_that_cannot_be_read_are_told(bundle: bytes) -> None:
    with pytest.raises(ServiceUnavailable, match="unable to load root certificates"):
        TrustStore().context(Trust(bundle))


def test_a_client_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    nowhere = tmp_path / "no.crt", tmp_path / "no.key"
    with pytest.raises(ServiceUnavailable, match=r"unable to load the client certificate: .*no\.crt"):
        TrustStore().context(replace(SYSTEM, client_certificate=nowhere))
