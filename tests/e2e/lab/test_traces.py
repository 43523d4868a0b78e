"""A lab leaves nothing behind, however it ended."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from podlab.lab import trace
from podlab.lab.host import leftovers, network, rootfs
from podlab.lab.host.process import Process
from podlab.lab.lab import Lab, all_names
from podlab.lab.paths import StateDir
from podlab.lab.spec import LabSpec


def made(lab: Lab) -> LabSpec:
    return lab.create(LabSpec(name=lab.name, masters=0, nodes=2))


def of_all_but_labs() -> dict[str, list[str]]:
    """The machine's state without that of labs, which come and go beside this test."""
    of_a_lab = re.compile(r"podlab|^pl-|^vb-|inode-")
    return {what: [line for line in lines if not of_a_lab.search(line)] for what, lines in trace.of_machine().items()}


def kill_everything(lab: Lab) -> None:
    """End every process of the lab without a chance to clean up, as the machine's own crash would."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    marks = (f"podlab.lab.host.supervise {StateDir().root} {lab.name} ", f"--machine=podlab.{lab.name}.")
    pids = [int(line.split()[0]) for line in listed.splitlines() if any(mark in line for mark in marks)]
    pids += [status.leader_pid for status in lab.status() if status.leader_pid]
    for process in filter(None, map(Process.of, pids)):
        process.signal(signal.SIGKILL)
        assert process.wait(10.0)


def test_a_lab_that_is_destroyed_leaves_no_trace(spare: Lab) -> None:
    before = of_all_but_labs()
    made(spare)
    while_it_stood = trace.of_lab(spare.name)
    assert [what for what, found in while_it_stood.items() if not found] == ["kernel"]
    spare.destroy()
    assert not any(trace.of_lab(spare.name).values()), trace.of_lab(spare.name)
    assert of_all_but_labs() == before


def test_destroying_what_is_not_there_is_success(spare: Lab) -> None:
    spare.destroy()
    assert not any(trace.of_lab(spare.name).values())


def test_leftovers_without_a_record_are_found_by_name_and_removed(spare: Lab) -> None:
    made(spare)
    spare.directory.record.unlink()
    for host in ("n1", "n2"):
        spare.directory.host(host).run.unlink()
    spare.destroy()
    assert not any(trace.of_lab(spare.name).values()), trace.of_lab(spare.name)


def test_a_creation_that_was_killed_half_way_is_completed_by_the_next(spare: Lab, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "podlab.lab", "create", "--lab", spare.name, "--masters", "0", "--nodes", "2"]
    with subprocess.Popen(command, cwd=tmp_path) as creation:
        while not spare.directory.host("n1").filesystem.is_mount():
            assert creation.poll() is None
        creation.kill()
    made(spare)
    assert all(status.running for status in spare.status())
    spare.destroy()
    assert not any(trace.of_lab(spare.name).values()), trace.of_lab(spare.name)


def test_a_lab_starts_again_after_the_machine_restarted(spare: Lab) -> None:
    """A restart ends all processes and forgets mounts, links and rules; the records of old pids stay on disk."""
    made(spare)
    assert spare.run("n1", ["sh", "-c", "echo kept > /root/kept; sync"]).returncode == 0
    records = {host: spare.directory.host(host).run.read_text() for host in ("n1", "n2")}
    kill_everything(spare)
    lock = leftovers.lock_of(spare.directory.host("n1").filesystem)
    assert lock.exists()
    rootfs.unmount_below(spare.directory.root)
    assert not lock.exists()
    network.remove(spare.name)
    for host, record in records.items():
        spare.directory.host(host).run.write_text(record)
    assert not any(status.running for status in spare.status())
    spare.start()
    assert spare.run("n1", ["cat", "/root/kept"]).stdout == "kept\n"


def test_a_host_whose_supervisor_died_is_taken_over(spare: Lab) -> None:
    made(spare)
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    mark = f"podlab.lab.host.supervise {StateDir().root} {spare.name} n1"
    (pid,) = [int(line.split()[0]) for line in listed.splitlines() if mark in line]
    process = Process.of(pid)
    assert process is not None
    process.signal(signal.SIGKILL)
    assert process.wait(10.0)
    made(spare)
    assert spare.run("n1", ["hostname"]).stdout == "n1\n"


@pytest.mark.skipif(bool(all_names()), reason="other labs use what this test watches")
def test_the_kernels_settings_are_as_they_were_after_the_last_lab(spare: Lab) -> None:
    forwarding = Path("/proc/sys/net/ipv4/ip_forward")
    before = forwarding.read_text()
    forwarding.write_text("0")
    settings = trace.of_machine()["kernel"]
    try:
        made(spare)
        assert forwarding.read_text() == "1\n"
        spare.destroy()
        assert trace.of_machine()["kernel"] == settings
        assert not any(StateDir().root.glob("*"))
    finally:
        forwarding.write_text(before)


def test_a_lab_whose_directory_was_deleted_can_be_destroyed_and_made_again(spare: Lab) -> None:
    made(spare)
    kill_everything(spare)
    rootfs.unmount_below(spare.directory.root)
    shutil.rmtree(spare.directory.root)
    made(spare)
    assert spare.run("n2", ["hostname"]).stdout == "n2\n"
