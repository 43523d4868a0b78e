import os
from pathlib import Path

import pytest

from podlab.lab.invoker import Invoker, give, give_checkout, invoker

USER = {"SUDO_UID": "1000", "SUDO_GID": "1001"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def owners(*paths: Path) -> list[int]:
    return [path.lstat().st_uid for path in paths]


@pytest.mark.parametrize(
    ("environment", "uid", "expected"),
    [
        (USER, 0, Invoker(uid=1000, gid=1001)),
        (USER, 1000, None),
        ({}, 0, None),
        ({"SUDO_UID": "0", "SUDO_GID": "0"}, 0, None),
        ({"SUDO_UID": "ann", "SUDO_GID": "1001"}, 0, None),
    ],
)
def test_the_invoker_is_who_typed_sudo(environment: dict[str, str], uid: int, expected: Invoker | None) -> None:
    assert invoker(environment, uid) == expected


@needs_root
def test_what_root_made_below_a_path_is_given_and_what_a_link_points_to_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in USER.items():
        monkeypatch.setenv(name, value)
    outside = tmp_path / "outside"
    outside.touch()
    made = tmp_path / "made"
    (made / "deep").mkdir(parents=True)
    (made / "deep/link").symlink_to(outside)
    (made / "others").touch()
    os.chown(made / "others", 4000, 4000)
    give(made)
    assert owners(made, made / "deep", made / "deep/link", made / "others", outside) == [1000, 1000, 1000, 4000, 0]


@needs_root
@pytest.mark.parametrize(("owner", "expected"), [(1000, 1000), (0, 0), (4000, 0)])
def test_a_checkout_is_given_to_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, expected: int
) -> None:
    for name, value in USER.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "made").touch()
    os.chown(tmp_path, owner, owner)
    give_checkout(tmp_path)
    assert owners(tmp_path / "made") == [expected]
