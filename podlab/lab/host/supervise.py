"""The process beside each host: `python -m podlab.lab.host.supervise STATE LAB HOST BRIDGE`.

It boots the host, boots it again whenever the host reboots, and ends when the host is off. SIGTERM asks the host to
power off and ends it the hard way after POWER_OFF_WITHIN_S. It records which processes it started, and knows nothing
of networks or file systems: those stay up across reboots.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from podlab.lab.host import cgroups, nspawn
from podlab.lab.host.process import Process, children
from podlab.lab.paths import HostDir, StateDir
from podlab.lab.spec import machine_name

POWER_OFF_WITHIN_S = 25
POWER_OFF = signal.SIGRTMIN + 4
LEADER_WITHIN_S = 20.0
REBOOT_PAUSE_S = 0.5


class Supervisor:
    """One host's life from `podlab lab start` to its power-off."""

    def __init__(self, lab: str, host: str, bridge: str, directory: HostDir) -> None:
        self._lab = lab
        self._host = host
        self._bridge = bridge
        self._directory = directory
        self._leader: Process | None = None
        self._stopping = False

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._power_off)
        signal.signal(signal.SIGALRM, self._end_hard)
        try:
            while (code := self._boot()) == nspawn.REBOOTED and not self._stopping:
                print("the host rebooted: starting it again", flush=True)
                time.sleep(REBOOT_PAUSE_S)
        except BaseException:
            self._directory.run.unlink(missing_ok=True)
            raise
        self._write({"supervisor": None, "leader": None, "exit_code": code})
        print(f"the host is off: systemd-nspawn exited with {code}", flush=True)
        return code

    def _boot(self) -> int:
        name = machine_name(self._lab, self._host)
        hierarchies = cgroups.mounted()
        cgroups.kill(name, hierarchies)
        cgroups.remove(name, hierarchies)
        groups = cgroups.create(name, hierarchies)
        argv = nspawn.command(self._lab, self._host, self._bridge, self._directory)
        with self._directory.console.open("ab") as console:
            machine = subprocess.Popen(
                nspawn.inside_groups(argv, groups), stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        self._leader = _leader_of(machine)
        self._write_record()
        if self._stopping:
            self._ask_power_off()
        return machine.wait()

    def _write_record(self) -> None:
        supervisor = Process.of(os.getpid())
        self._write(
            {
                "supervisor": supervisor.to_json() if supervisor else None,
                "leader": self._leader.to_json() if self._leader else None,
            }
        )

    def _write(self, record: dict[str, object]) -> None:
        partial = self._directory.run.with_suffix(".partial")
        partial.write_text(json.dumps(record))
        partial.replace(self._directory.run)

    def _power_off(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._ask_power_off()

    def _ask_power_off(self) -> None:
        if self._leader:
            self._leader.signal(POWER_OFF)
            signal.alarm(POWER_OFF_WITHIN_S)

    def _end_hard(self, _signal: int, _frame: FrameType | None) -> None:
        print(f"the host did not power off within {POWER_OFF_WITHIN_S} s: killing it", flush=True)
        if self._leader:
            self._leader.signal(signal.SIGKILL)


def _leader_of(machine: "subprocess.Popen[bytes]") -> Process | None:
    """The host's PID 1, once nspawn has started it; None when nspawn ended before."""
    deadline = time.monotonic() + LEADER_WITHIN_S
    while machine.poll() is None and time.monotonic() < deadline:
        for pid in children(machine.pid):
            if _is_init(pid) and (leader := Process.of(pid)):
                return leader
        time.sleep(0.02)
    return None


def _is_init(pid: int) -> bool:
    """Whether the process is PID 1 of a namespace of its own; nspawn has another short-lived child before."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    levels = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(levels) > 1 and levels[-1] == "1"


def main(argv: list[str]) -> int:
    state, lab, host, bridge = argv
    return Supervisor(lab, host, bridge, StateDir(Path(state)).lab(lab).host(host)).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
