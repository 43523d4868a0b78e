import subprocess
from pathlib import Path

from podlab.lab.host import nspawn
from podlab.lab.paths import HostDir


def test_a_host_may_do_all_but_set_the_clock() -> None:
    command = nspawn.command("lab", "n1", "pl-lab", HostDir(Path("/state/n1")))
    assert command.index("--capability=all") < command.index("--drop-capability=CAP_SYS_TIME")
    assert "--machine=podlab.lab.n1" in command
    assert "--hostname=n1" in command
    assert "--bind=/state/n1/containerd:/var/lib/containerd" in command


def test_the_command_starts_as_a_member_of_every_group(tmp_path: Path) -> None:
    groups = [tmp_path / "cpu", tmp_path / "with blank"]
    for group in groups:
        group.mkdir()
    started = nspawn.inside_groups(["sh", "-c", "echo $$"], groups)
    pid = subprocess.run(started, capture_output=True, text=True, check=True).stdout
    assert [(group / "cgroup.procs").read_text() for group in groups] == [pid, pid]


def test_a_command_that_cannot_enter_its_group_does_not_start(tmp_path: Path) -> None:
    started = nspawn.inside_groups(["echo", "started"], [tmp_path / "missing"])
    done = subprocess.run(started, capture_output=True, text=True, check=False)
    assert (done.returncode != 0, done.stdout) == (True, "")
