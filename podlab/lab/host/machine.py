"""One host's processes: start them, see them, end them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from podlab.lab import ssh
from podlab.lab.errors import LabError
from podlab.lab.host import cgroups
from podlab.lab.host.process import Process
from podlab.lab.host.supervise import POWER_OFF_WITHIN_S
from podlab.lab.paths import HostDir
from podlab.lab.spec import LabHost, machine_name

CODE = Path(__file__).resolve().parents[3]
STARTED_WITHIN_S = 30.0
ENDED_WITHIN_S = 10.0
POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Running:
    """The live processes of a host. Either may be gone: the host is then crashing, or its supervisor was killed."""

    supervisor: Process | None = None
    leader: Process | None = None
    # systemd-nspawn's exit code, once the host has gone off by itself.
    exit_code: int | None = None

    @property
    def healthy(self) -> bool:
        return self.supervisor is not None and self.leader is not None

    @property
    def anything(self) -> bool:
        return self.supervisor is not None or self.leader is not None


def observe(directory: HostDir) -> Running:
    """What runs of the host now; a record of an earlier boot, or of reused pids, counts as nothing."""
    try:
        record = json.loads(directory.run.read_text())
    except FileNotFoundError:
        return Running()
    return Running(
        supervisor=_alive(record["supervisor"]), leader=_alive(record["leader"]), exit_code=record.get("exit_code")
    )


def console_end(directory: HostDir) -> str:
    """The last lines on the host's console: where it failed to boot, the cause is there."""
    try:
        return "\n".join(directory.console.read_text(errors="replace").splitlines()[-15:])
    except FileNotFoundError:
        return ""


def start(state: Path, lab: str, host: str, bridge: str, directory: HostDir) -> None:
    """Start the host's supervisor, detached from this process, and wait until it has started the host."""
    directory.run.unlink(missing_ok=True)
    directory.console.unlink(missing_ok=True)
    argv = ["setsid", "--fork", sys.executable, "-m", "podlab.lab.host.supervise", str(state), lab, host, bridge]
    with directory.supervisor_log.open("wb") as log:
        subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=os.environ | {"PYTHONPATH": str(CODE)},
            check=True,
        )
    deadline = time.monotonic() + STARTED_WITHIN_S
    while not (running := observe(directory)).healthy:
        refuse_ended(host, directory, running)
        if time.monotonic() > deadline:
            said = directory.supervisor_log.read_text(errors="replace")[-2000:]
            raise LabError(f"host {host} of lab {lab} did not start within {STARTED_WITHIN_S:.0f} s: {said}")
        time.sleep(POLL_S)


def refuse_ended(host: str, directory: HostDir, running: Running) -> None:
    """Raises LabError with the console's end when the host has gone off."""
    if running.exit_code is not None:
        said = f"it went off while it booted (systemd-nspawn exited with {running.exit_code})"
        raise LabError(f"host {host}: {said}; its console:\n{console_end(directory)}")


def wait_until_answers(host: LabHost, directory: HostDir, *, timeout_s: float) -> None:
    """Wait for the host's SSH server. Raises LabError with the end of the host's console, at once when it goes off."""
    deadline = time.monotonic() + timeout_s
    while not ssh.greets(host.address):
        refuse_ended(host.name, directory, observe(directory))
        if time.monotonic() > deadline:
            said = f"answers no SSH at {host.address} within {timeout_s:.0f} s"
            raise LabError(f"host {host.name}: {said}; its console:\n{console_end(directory)}")
        time.sleep(POLL_S)


def power_off(lab: str, host: str, directory: HostDir) -> None:
    """Let the host shut down in order; when it does not in time, its supervisor ends it."""
    running = observe(directory)
    if running.supervisor:
        running.supervisor.signal(signal.SIGTERM)
        if running.supervisor.wait(POWER_OFF_WITHIN_S + ENDED_WITHIN_S):
            return
    cut_power(lab, host, directory)


def cut_power(lab: str, host: str, directory: HostDir) -> None:
    """End the host at once, as if its plug were pulled. The supervisor goes first: it must not start it again."""
    running = observe(directory)
    for process in (running.supervisor, running.leader):
        if process:
            process.signal(signal.SIGKILL)
            process.wait(ENDED_WITHIN_S)
    cgroups.kill(machine_name(lab, host), cgroups.mounted())
    directory.run.unlink(missing_ok=True)


def _alive(record: dict[str, object] | None) -> Process | None:
    process = Process.from_json(record) if record else None
    return process if process and process.is_alive() else None
