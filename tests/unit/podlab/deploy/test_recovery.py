"""What a controller lost comes back from a master as it was; what a master needs is not replaced by another."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from podlab.deploy import recovery, secret_encryption, signing_keys
from podlab.deploy.recovery import MasterCopies
from podlab.pki import PkiError

ON_MASTER = {
    recovery.ENCRYPTION: "encryption/configuration.yaml",
    recovery.SERVICE_ACCOUNTS: "service-accounts/signing.key",
    recovery.SERVICE_ACCOUNTS_RETIRED: "service-accounts/retired.pem",
    recovery.SIGNING_CERTIFICATE: "signing/ca.crt",
    recovery.SIGNING_KEY: "signing/ca.key",
    recovery.TOKENS: "tokens.csv",
}


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    make(tmp_path / "pki")
    return tmp_path / "pki"


def make(pki: Path) -> list[str]:
    return signing_keys.ensure(pki) + secret_encryption.ensure(pki)


def deployed(pki: Path) -> dict[str, bytes]:
    """What a master holds after a deployment from this directory."""
    return {path: (pki / name).read_bytes() for path, name in ON_MASTER.items()}


def held(contents: dict[str, bytes], *, store: bool = True, serving: bool = True) -> MasterCopies:
    keys = yaml.safe_load(contents[recovery.ENCRYPTION])["resources"][0]["providers"][0]["aesgcm"]["keys"]
    return MasterCopies(
        master="m1",
        sha256={path: hashlib.sha256(content).hexdigest() for path, content in contents.items()},
        encryption_keys=[key["name"] for key in keys],
        store=store,
        serving=serving,
    )


def rotate(folder: Path, name: str) -> None:
    (folder / name).rename(folder / f"old{Path(name).suffix}")


def test_a_directory_that_is_whole_lacks_nothing_and_replaces_nothing(pki: Path) -> None:
    assert recovery.lost(pki) == []
    assert recovery.refusals(pki, held(deployed(pki))) == []


@pytest.mark.parametrize("what", ["", "encryption", "service-accounts", "signing", "tokens.csv"])
@pytest.mark.parametrize("rotated", [False, True])
def test_whatever_was_lost_is_afterwards_as_the_master_has_it(pki: Path, what: str, rotated: bool) -> None:
    if rotated:
        rotate(pki / "encryption", "current.key")
        rotate(pki / "service-accounts", "signing.key")
        make(pki)
    on_master = deployed(pki)
    gone = pki / what
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    fetched = {path: on_master[path] for path in recovery.lost(pki)}
    assert fetched
    assert sorted(recovery.recover(pki, fetched)) == sorted(recovery.would_recover(fetched))
    make(pki)
    assert deployed(pki) == on_master
    assert recovery.lost(pki) == []
    assert recovery.refusals(pki, held(on_master)) == []
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in pki.rglob("*") if path.is_file())


def test_a_bare_master_brings_nothing_back_and_new_keys_are_made(tmp_path: Path) -> None:
    assert recovery.recover(tmp_path, {}) == []
    assert make(tmp_path)
    assert recovery.refusals(tmp_path, MasterCopies(master="m1", sha256={}, store=False)) == []


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("encryption", "the store of m1 is encrypted with"),
        ("service-accounts", "the tokens of all pods would be refused"),
        ("signing", "those that it has signed would be refused"),
    ],
)
def test_other_keys_than_the_master_s_are_refused_with_folder_and_remedy(pki: Path, folder: str, words: str) -> None:
    before = held(deployed(pki))
    shutil.rmtree(pki / folder)
    make(pki)
    (refusal,) = recovery.refusals(pki, before)
    assert refusal.startswith(f"{pki / folder}: ")
    assert words in refusal
    assert "move it away and deploy again" in refusal


@pytest.mark.parametrize(
    ("folder", "names"),
    [("encryption", ["current.key"]), ("service-accounts", ["signing.key"]), ("signing", ["ca.crt", "ca.key"])],
)
def test_renaming_a_key_renews_it_and_is_no_loss(pki: Path, folder: str, names: list[str]) -> None:
    before = held(deployed(pki))
    for name in names:
        rotate(pki / folder, name)
    assert recovery.lost(pki) == []
    assert any(name.startswith(folder) for name in make(pki))
    assert recovery.refusals(pki, before) == []


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        # An API server that runs has written everything anew with the first key.
        (lambda on_master: held(on_master), False),
        (lambda on_master: held(on_master, serving=False), True),
        (lambda on_master: held(on_master, serving=False, store=False), False),
    ],
)
def test_an_old_key_may_go_once_the_api_server_has_started_with_the_new_one(
    pki: Path, state: Callable[[dict[str, bytes]], MasterCopies], refused: bool
) -> None:
    rotate(pki / "encryption", "current.key")
    make(pki)
    during = state(deployed(pki))
    (pki / "encryption/old.key").unlink()
    make(pki)
    assert bool(recovery.refusals(pki, during)) is refused


def test_a_configuration_of_somebody_else_s_is_named(tmp_path: Path) -> None:
    with pytest.raises(PkiError, match=r"encryption\.yaml is no configuration"):
        recovery.recover(tmp_path, {recovery.ENCRYPTION: b"resources: []"})
