import threading
from pathlib import Path

import pytest

from podlab.lab.errors import LabError
from podlab.lab.lock import locked


def test_a_lock_that_stays_held_is_reported_with_what_it_guards(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "locks/lab", "lab lab"),
        pytest.raises(LabError, match="lab lab is busy"),
        locked(tmp_path / "locks/lab", "lab lab", timeout_s=0.0),
    ):
        pass


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lab", "lab lab"):
        _ = 1 / 0
    with locked(tmp_path / "lab", "lab lab", timeout_s=0.0):
        pass


def test_one_who_waits_for_a_lock_that_is_deleted_gets_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "locks/lab"
    entered = threading.Event()

    def wait() -> None:
        with locked(path, "lab lab", timeout_s=10.0):
            assert path.exists()
            entered.set()

    with locked(path, "lab lab"):
        waiter = threading.Thread(target=wait)
        waiter.start()
        path.unlink()
    waiter.join(10.0)
    assert entered.is_set()
