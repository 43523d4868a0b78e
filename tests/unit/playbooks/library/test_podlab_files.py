"""Files are placed whole, with owner and mode, and a second time nothing changes."""

import grp
import json
import os
import pwd
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from podlab_testing.ansible_code import load

podlab_files = load("podlab_files")
OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


def entry(path: Path, **more: Any) -> dict[str, Any]:
    defaults = {
        "content": None,
        "secret": None,
        "absent": False,
        "owner": OWNER,
        "group": GROUP,
        "mode": None,
        "reread": False,
    }
    return {"path": str(path), **defaults, **more}


def test_a_file_is_written_once_and_its_folder_made(tmp_path: Path) -> None:
    wanted = entry(tmp_path / "a" / "b.yaml", content="x: 1\n")
    assert podlab_files.place(wanted, check=False).changed
    assert (tmp_path / "a" / "b.yaml").read_text() == "x: 1\n"
    assert (tmp_path / "a" / "b.yaml").stat().st_mode & 0o777 == 0o644
    assert not podlab_files.place(wanted, check=False).changed


def test_a_check_says_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    outcome = podlab_files.place(entry(path, content="new\n"), check=True)
    assert (outcome.changed, outcome.before, outcome.after) == (True, "", "new\n")
    assert not path.exists()
    path.write_text("old\n")
    outcome = podlab_files.place(entry(path, content="new\n"), check=True)
    assert (outcome.before, outcome.after, path.read_text()) == ("old\n", "new\n", "old\n")


def test_a_secret_is_never_shown_and_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    outcome = podlab_files.place(entry(path, secret="private", mode="0600"), check=False)
    assert (outcome.changed, outcome.before, outcome.after) == (True, "", "")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_wrong_mode_is_put_right(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("private")
    path.chmod(0o644)
    wanted = entry(path, secret="private", mode="0600")
    assert podlab_files.place(wanted, check=True).changed
    assert podlab_files.place(wanted, check=False).changed
    assert path.stat().st_mode & 0o777 == 0o600


def test_directories_are_made_and_removed_with_what_is_in_them(tmp_path: Path) -> None:
    path = tmp_path / "d" / "e"
    assert podlab_files.place(entry(path), check=False).changed
    assert not podlab_files.place(entry(path), check=False).changed
    (path / "f").write_text("x")
    gone = entry(tmp_path / "d", absent=True)
    assert podlab_files.place(gone, check=True).changed
    assert path.is_dir()
    assert podlab_files.place(gone, check=False).changed
    assert not podlab_files.place(gone, check=False).changed


def test_an_owner_that_is_yet_to_be_made_counts_as_a_change_in_a_check_only(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_text("x")
    wanted = entry(path, content="x", owner="no-such-user")
    assert podlab_files.place(wanted, check=True).changed
    with pytest.raises(KeyError):
        podlab_files.place(wanted, check=False)


def test_nothing_unfinished_stays_beside_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        podlab_files.place(entry(tmp_path / "taken", content="x"), check=False)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_secret_does_not_reach_the_hosts_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.AnsibleModule, "_log_to_syslog", lambda _, message: told.append(message))
    files = [{"path": str(tmp_path / "key"), "secret": "of two\nlines", "owner": OWNER, "group": GROUP, "mode": "0600"}]
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": {"files": files}}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
    with pytest.raises(SystemExit):
        podlab_files.main()
    assert (tmp_path / "key").read_text() == "of two\nlines"
    assert not told
    assert "of two" not in capsys.readouterr().out


def test_a_process_that_began_before_a_file_was_last_written_is_outdated(tmp_path: Path) -> None:
    """However the run that wrote the file ended."""
    settings = tmp_path / "settings"
    settings.write_text("one")
    time.sleep(0.05)  # the kernel counts a process' age in hundredths of a second
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        paths = [str(settings), str(tmp_path / "gone"), str(tmp_path)]
        assert not podlab_files.runs_since_before(str(process.pid), paths)
        time.sleep(0.05)
        settings.write_text("two")
        assert podlab_files.runs_since_before(str(process.pid), paths)
        process.kill()
    assert not podlab_files.runs_since_before("0", paths)


def shown(**more: str) -> dict[str, str]:
    """What systemd says of a service that runs as it should."""
    right = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"}
    return {**right, "MainPID": "0", "NeedDaemonReload": "no", **more}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (shown(), (False, [], [], [])),
        (shown(NeedDaemonReload="yes"), (True, ["a"], [], [])),
        (shown(MainPID="OLD"), (False, ["a"], [], [])),
        (shown(ActiveState="inactive"), (False, [], ["a"], [])),
        (shown(ActiveState="activating", NeedDaemonReload="yes"), (True, [], ["a"], [])),
        (shown(ActiveState="failed", UnitFileState="disabled"), (False, [], ["a"], ["a"])),
        (shown(LoadState="not-found", ActiveState="inactive", UnitFileState=""), (True, [], ["a"], ["a"])),
    ],
)
def test_a_service_is_restarted_or_started_or_left_alone(
    tmp_path: Path, found: dict[str, str], wanted: tuple[bool, list[str], list[str], list[str]]
) -> None:
    settings = tmp_path / "settings"
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        time.sleep(0.05)  # the kernel counts a process' age in hundredths of a second
        settings.write_text("newer than what runs")
        found = {**found, "MainPID": found["MainPID"].replace("OLD", str(process.pid))}
        service = {"name": "a", "files": [entry(settings, content="x")], "reads": []}
        todo = podlab_files.work([service], [found])
        process.kill()
    assert (todo.reload, todo.restart, todo.start, todo.enable) == wanted


def test_a_service_is_not_restarted_for_what_it_follows_by_itself(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        time.sleep(0.05)
        (tmp_path / "ca.crt").touch()
        service = {"name": "a", "files": [entry(tmp_path / "ca.crt", content="x", reread=True)], "reads": []}
        assert podlab_files.work([service], [shown(MainPID=str(process.pid))]).restart == []
        process.kill()


def test_what_a_service_only_reads_counts_too(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        time.sleep(0.05)
        (tmp_path / "read").touch()
        service = {"name": "a", "files": [], "reads": [str(tmp_path / "read")]}
        assert podlab_files.work([service], [shown(MainPID=str(process.pid))]).restart == ["a"]
        process.kill()


def test_a_timer_has_no_process_and_is_asked_for_by_its_own_name(tmp_path: Path) -> None:
    timer = {"name": "a.timer", "files": [entry(tmp_path / "a.timer", content="x")], "reads": []}
    found = shown()
    del found["MainPID"]
    assert not podlab_files.work([timer], [found]).any()
    assert podlab_files.work([timer], [{**found, "ActiveState": "inactive"}]).start == ["a.timer"]
    assert [podlab_files.unit_of(name) for name in ("a", "a.timer")] == ["a.service", "a.timer"]


@pytest.mark.parametrize(
    ("state_age_s", "active", "changed", "unread"),
    [
        (0.0, "active", False, False),
        (60.0, "active", False, True),
        (0.0, "active", True, True),
        (60.0, "inactive", True, False),
    ],
)
def test_a_service_of_others_is_reloaded_when_it_has_not_read_what_is_there_now(
    tmp_path: Path, state_age_s: float, active: str, changed: bool, unread: bool
) -> None:
    (tmp_path / "read").touch()
    time.sleep(0.01)
    since = int((time.monotonic() - state_age_s) * 1e6)
    found = shown(ActiveState=active, StateChangeTimestampMonotonic=str(since))
    service = {"name": "a", "reads": [str(tmp_path / "read"), str(tmp_path / "none")]}
    names = podlab_files.unread([service], [found], {str(tmp_path / "none")} if changed else set())
    assert names == (["a"] if unread else [])
