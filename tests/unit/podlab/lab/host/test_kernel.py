from pathlib import Path

import pytest

from podlab.lab.host import kernel
from podlab.lab.paths import StateDir

FORWARD, INSTANCES = "net/ipv4/ip_forward", "fs/inotify/max_user_instances"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, value in ((FORWARD, "0"), (INSTANCES, "128")):
        (tmp_path / "sys" / name).parent.mkdir(parents=True)
        (tmp_path / "sys" / name).write_text(f"{value}\n")
    return tmp_path / "sys"


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    (tmp_path / "state").mkdir()
    return StateDir(tmp_path / "state")


def values(root: Path) -> list[str]:
    return [(root / name).read_text().strip() for name in (FORWARD, INSTANCES)]


def test_what_is_too_low_is_raised_while_labs_stand_and_put_back_after(root: Path, state: StateDir) -> None:
    kernel.ensure(state, root)
    kernel.ensure(state, root)  # the second lab
    assert values(root) == ["1", "1024"]
    kernel.restore(state, root)
    assert values(root) == ["0", "128"]
    assert not state.kernel.exists()


def test_what_is_enough_is_left_alone(root: Path, state: StateDir) -> None:
    (root / FORWARD).write_text("1\n")
    (root / INSTANCES).write_text("8192\n")
    kernel.ensure(state, root)
    kernel.restore(state, root)
    assert values(root) == ["1", "8192"]


def test_what_somebody_sets_meanwhile_stays(root: Path, state: StateDir) -> None:
    kernel.ensure(state, root)
    (root / INSTANCES).write_text("4096\n")
    kernel.restore(state, root)
    assert values(root) == ["0", "4096"]


def test_what_was_remembered_before_this_machine_started_is_not_put_back(root: Path, state: StateDir) -> None:
    state.kernel.write_text('{"boot_id": "another", "before": {"net.ipv4.ip_forward": 0}}')
    (root / FORWARD).write_text("1\n")
    kernel.restore(state, root)
    assert values(root) == ["1", "128"]
