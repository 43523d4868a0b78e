from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from node.kubelet.cri.runtime import RegistryCredentials
from node.kubelet.disk.state_file import StateFile
from node.kubelet.images.pulled import PulledImages, PulledState, PullRules
from node.kubelet.settings import (
    ALWAYS_VERIFY,
    NEVER_VERIFY,
    NEVER_VERIFY_ALLOWLISTED,
    NEVER_VERIFY_PRELOADED,
    ImagePullSettings,
)
from podlab.settings import SettingsError

JANE = RegistryCredentials("jane", "secret", origin="default/pull/1")
OTHER = RegistryCredentials("joe", "other", origin="prod/pull/2")
NAME, ID = "registry.example.com/app:1", "sha256:1"


def _images(path: Path) -> PulledImages:
    """As a kubelet has them that starts."""
    kept: StateFile[PulledState] = StateFile(path, "lost")
    return PulledImages(kept)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "image_manager_state"


def test_what_was_there_before_is_everybodys(path: Path) -> None:
    assert _images(path).may_use(NAME, ID, ())


def test_what_a_secret_brought_is_its_users_also_after_a_restart(path: Path) -> None:
    _images(path).add(NAME, ID, JANE, [ID])
    images = _images(path)
    assert images.may_use(NAME, ID, [JANE])
    assert images.may_use("registry.example.com/app:2", ID, [OTHER, JANE]), "another tag of the same image"
    assert images.may_use(NAME, ID, [replace(JANE, origin="other/copy/3")]), "the same credentials"
    assert images.may_use(NAME, ID, [replace(JANE, password="new")]), "the same Secret"
    assert not images.may_use(NAME, ID, [OTHER])
    assert not images.may_use(NAME, ID, ())
    assert not images.may_use("registry.example.com/copy:1", ID, [JANE]), "another repository was not asked"
    assert "secret" not in {word for word in path.read_text().split('"') if word != "secrets"}


def test_what_anybody_could_pull_is_everybodys(path: Path) -> None:
    images = _images(path)
    images.add(NAME, ID, JANE, [ID])
    images.add(NAME, ID, None, [ID])
    assert images.may_use(NAME, ID, ())


def test_a_pull_whose_end_nobody_saw_is_nobodys(path: Path) -> None:
    _images(path).begin(NAME)
    images = _images(path)
    assert not images.may_use(NAME, ID, [JANE])
    images.end(NAME)
    assert images.may_use(NAME, ID, ())


def test_images_that_are_gone_are_forgotten(path: Path) -> None:
    images = _images(path)
    images.add(NAME, ID, JANE, [ID])
    images.add("b:1", "sha256:2", None, ["sha256:2"])
    assert images.may_use(NAME, ID, ())


@pytest.mark.parametrize(
    ("policy", "of_preloaded", "of_pulled"),
    [
        (NEVER_VERIFY, False, False),
        (NEVER_VERIFY_PRELOADED, False, True),
        (NEVER_VERIFY_ALLOWLISTED, True, True),
        (ALWAYS_VERIFY, True, True),
    ],
)
def test_a_policy_says_of_which_images_is_asked(policy: str, of_preloaded: bool, of_pulled: bool) -> None:
    rules = PullRules(policy, ["registry.example.com/base/*"])
    assert rules.asks(NAME, pulled=False) == of_preloaded
    assert rules.asks(NAME, pulled=True) == of_pulled
    assert rules.asks("registry.example.com/base/os:1", pulled=False) == (policy == ALWAYS_VERIFY)


def test_a_policy_that_there_is_not_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^image_pulls.credentials_verification: 'Never' is none of NeverVerify, "):
        ImagePullSettings(credentials_verification="Never")
