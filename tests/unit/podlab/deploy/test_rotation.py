"""An authority takes another one's place: what is trusted and who signs after each step, and after a step cut off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from podlab import pki
from podlab.deploy import rotation
from podlab.deploy.rotation import Step

NAME = "podlab-ca"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    pki.ensure_ca(tmp_path, NAME)
    return tmp_path


def trusted(directory: Path) -> list[x509.Certificate]:
    return pki.read_certificates(directory / "ca.crt")


def test_each_step_trusts_and_signs_as_it_says(directory: Path) -> None:
    old = pki.load_ca(directory).certificate
    assert rotation.step(directory) is Step.SETTLED
    assert rotation.trust_next(directory, NAME)
    assert rotation.step(directory) is Step.TRUSTED
    first, new = trusted(directory)
    assert (first, pki.load_ca(directory).certificate) == (old, old)
    assert new.subject == old.subject
    rotation.sign_with_next(directory)
    assert rotation.step(directory) is Step.SIGNING
    assert (trusted(directory), pki.load_ca(directory).certificate) == ([new, old], new)
    rotation.trust_alone(directory)
    assert rotation.step(directory) is Step.SETTLED
    assert (trusted(directory), pki.load_ca(directory).certificate) == ([new], new)
    assert not (directory / rotation.NEXT).exists()


def test_a_step_that_is_done_again_changes_nothing(directory: Path) -> None:
    steps: list[Callable[[], object]] = [
        lambda: rotation.trust_next(directory, NAME),
        lambda: rotation.sign_with_next(directory),
        lambda: rotation.trust_alone(directory),
    ]
    for act in steps:
        act()
        before = {path.name: path.read_bytes() for path in directory.iterdir()}
        if act is not steps[-1]:
            act()
            assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    rotation.sign_with_next(directory)
    rotation.trust_alone(directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_a_step_that_was_cut_off_is_taken_to_its_end(directory: Path) -> None:
    rotation.trust_next(directory, NAME)
    old, new = trusted(directory)
    (directory / "ca.crt").write_bytes(pki.pem(old))  # the key was written, and then the machine was gone
    assert rotation.step(directory) is Step.TRUSTED
    assert rotation.trust_next(directory, NAME)
    old, new = trusted(directory)
    (directory / rotation.NEXT).replace(directory / "ca.key")  # the key was replaced, and then the machine was gone
    assert rotation.step(directory) is Step.SIGNING
    assert pki.load_ca(directory).certificate == new
    rotation.sign_with_next(directory)
    assert trusted(directory) == [new, old]


def test_nothing_is_taken_from_those_who_trust_before_the_next_one_signs(directory: Path) -> None:
    rotation.trust_next(directory, NAME)
    before = trusted(directory)
    rotation.trust_alone(directory)
    assert trusted(directory) == before


def test_where_earlier_ones_are_kept_another_may_follow_at_any_time(directory: Path) -> None:
    for _ in range(2):
        for wanted in ("trust", "sign"):
            rotation.advance(directory, NAME, wanted, keeps_former=True)
    assert len(trusted(directory)) == 3
    assert trusted(directory)[0] == pki.load_ca(directory).certificate
    assert rotation.advance(directory, NAME, "alone", keeps_former=True)
    assert trusted(directory) == [pki.load_ca(directory).certificate]


def test_certificates_are_made_anew_once_the_next_one_signs(directory: Path) -> None:
    def made() -> bool:
        return pki.ensure_certificate(pki.ensure_ca(directory), directory, "proxy", "system:kube-proxy", (), ("n1",))

    assert made()
    rotation.trust_next(directory, NAME)
    assert not made()
    rotation.sign_with_next(directory)
    assert made()
    rotation.trust_alone(directory)
    assert not made()
