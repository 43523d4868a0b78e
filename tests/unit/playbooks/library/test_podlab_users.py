"""Which users are made and removed: never one that is somebody else's."""

import os
import pwd
import subprocess
import threading
from pathlib import Path

import pytest
from podlab_testing.ansible_code import load

podlab_users = load("podlab_users")
OURS = podlab_users.HOME


@pytest.mark.parametrize(
    ("present", "homes", "expected"),
    [
        (True, {}, ["a", "b"]),
        (True, {"a": OURS}, ["b"]),
        (True, {"a": OURS, "b": OURS, "c": "/home/c"}, []),
        (False, {}, []),
        (False, {"a": OURS, "b": OURS}, ["a", "b"]),
        (False, {"a": OURS, "b": "/home/b"}, ["a"]),
    ],
)
def test_what_is_to_be_done(present: bool, homes: dict[str, str], expected: list[str]) -> None:
    assert podlab_users.pending(["a", "b"], present, homes) == expected


def test_somebody_elses_account_is_not_taken_over() -> None:
    with pytest.raises(podlab_users.UserError, match=r"user b: .*/home/b"):
        podlab_users.pending(["a", "b"], True, {"b": "/home/b"})


def test_homes_are_those_of_users_there_are() -> None:
    own = pwd.getpwuid(os.getuid())
    assert podlab_users.found_homes([own.pw_name, "no-such-user"]) == {own.pw_name: own.pw_dir}


def test_a_user_can_neither_log_in_nor_has_it_a_home_made() -> None:
    made = podlab_users.command("a", True)
    assert made[0] == "useradd"
    assert made[-1] == "a"
    assert {"--system", "--user-group", "--no-create-home"} < set(made)
    assert made[made.index("--shell") + 1] == "/usr/sbin/nologin"
    assert podlab_users.command("a", False) == ["userdel", "a"]


def test_a_command_that_fails_says_what_it_was_and_what_it_said() -> None:
    with pytest.raises(podlab_users.UserError, match=r"sh -c .*: exit 3: no"):
        podlab_users.run(["sh", "-c", "echo no >&2; exit 3"])


def test_what_runs_as_a_user_is_told_with_its_unit(tmp_path: Path) -> None:
    own = os.getuid()
    for pid, name in ((7, "tar"), (8, "sh")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "status").write_text(f"Name:\t{name}\nUid:\t{own + 2}\t{own}\t{own}\t{own}\n")
        (tmp_path / str(pid) / "comm").write_text(f"{name}\n")
        (tmp_path / str(pid) / "cgroup").write_text("0::/system.slice/podlab-backup.service\n")
    (tmp_path / "9").mkdir()  # it ends while it is looked at
    assert podlab_users.processes(own, tmp_path) == {
        7: "tar of podlab-backup.service",
        8: "sh of podlab-backup.service",
    }
    assert podlab_users.processes(own + 1, tmp_path) == {}


def test_a_user_goes_when_its_last_process_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup may have begun before its unit got another user."""
    sleeper = subprocess.Popen(["sleep", "60"])
    monkeypatch.setattr(
        podlab_users, "processes", lambda uid: {sleeper.pid: "sleep of x.service"} if sleeper.poll() is None else {}
    )
    name = pwd.getpwuid(os.getuid()).pw_name
    try:
        with pytest.raises(podlab_users.UserError, match=rf"user {name}: .* {sleeper.pid} \(sleep of x.service\)"):
            podlab_users.until_idle(name, 0.3)
        threading.Timer(0.3, sleeper.terminate).start()
        podlab_users.until_idle(name, 30)
        assert sleeper.poll() is not None
    finally:
        sleeper.kill()
        sleeper.wait()
