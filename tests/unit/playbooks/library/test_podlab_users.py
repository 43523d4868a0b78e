"""Which users are made and removed: never one that is somebody else's."""

import os
import pwd

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
