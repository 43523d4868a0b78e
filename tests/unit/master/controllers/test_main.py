"""Settings that cannot be used are named before anything starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from master.controllers.main import check
from master.controllers.settings import ControllersSettings, SigningSettings
from podlab import pki
from podlab.tls import Tls


def settings(pod_cidr: str, mask: int = 24) -> ControllersSettings:
    tls = Tls(Path("ca.crt"), Path("controllers.crt"), Path("controllers.key"))
    return ControllersSettings("127.0.0.1:7443", "127.0.0.1", tls, pod_cidr, node_cidr_mask=mask)


def test_usable_settings_pass() -> None:
    check(settings("10.244.0.0/16"))


@pytest.mark.parametrize(
    ("pod_cidr", "mask", "told"),
    [
        ("10.244.0.0/33", 24, "pod_cidr: '10.244.0.0/33' does not appear to be"),
        ("10.244.0.1/16", 24, "pod_cidr: 10.244.0.1/16 has host bits set"),
        ("10.244.0.0/16", 8, "node_cidr_mask: 8 makes no networks"),
        (
            "10.244.0.0/16,fd00::/40",
            24,
            "node_cidr_mask_ipv6: 64 makes no networks for nodes out of pod_cidr fd00::/40",
        ),
        ("10.244.0.0/16", 31, "give a number from 16 to 30"),
    ],
)
def test_the_setting_its_value_and_the_remedy_are_told(pod_cidr: str, mask: int, told: str) -> None:
    with pytest.raises(RuntimeError, match=told):
        check(settings(pod_cidr, mask))


def test_an_authority_that_cannot_sign_is_named_before_anything_starts(tmp_path: Path) -> None:
    ours, theirs = (pki.ensure_ca(tmp_path / name) and tmp_path / name for name in ("ours", "theirs"))
    usable = replace(settings("10.244.0.0/16"), signing=SigningSettings(ours / "ca.crt", ours / "ca.key"))
    check(usable)
    for signing, told in (
        (SigningSettings(ours / "ca.crt", theirs / "ca.key"), "signing: .*is not the key of"),
        (SigningSettings(ours / "ca.key", ours / "ca.key"), "signing: .*is no certificate"),
        (SigningSettings(tmp_path / "none", ours / "ca.key"), "signing: .*No such file"),
    ):
        with pytest.raises(RuntimeError, match=told):
            check(replace(usable, signing=signing))
