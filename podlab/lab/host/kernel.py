"""Kernel settings of this machine that labs need: raised while any lab stands, and put back after the last one."""

import json
from dataclasses import dataclass
from pathlib import Path

from podlab.lab.host.process import boot_id
from podlab.lab.paths import StateDir

PROC_SYS = Path("/proc/sys")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A number in /proc/sys, and the least that it must be while labs stand."""

    name: str
    least: int

    def path(self, root: Path) -> Path:
        return root / self.name.replace(".", "/")


SETTINGS = (
    # Hosts reach the world through this machine.
    Setting(name="net.ipv4.ip_forward", least=1),
    # One number for all hosts of all labs, each of which takes about eight: without, systemd ends at boot from the
    # sixteenth host on, or containerd comes up without CRI.
    Setting(name="fs.inotify.max_user_instances", least=1024),
)


def ensure(state: StateDir, root: Path = PROC_SYS) -> None:
    """Raise what is too low, and remember what it was."""
    too_low = {setting: value for setting in SETTINGS if (value := int(setting.path(root).read_text())) < setting.least}
    if not too_low:
        return
    before = _before(state) | {setting.name: value for setting, value in too_low.items()}
    state.kernel.write_text(json.dumps({"boot_id": boot_id(), "before": before}))
    for setting in too_low:
        setting.path(root).write_text(str(setting.least))


def restore(state: StateDir, root: Path = PROC_SYS) -> None:
    """Put back what labs raised since this machine started; what somebody has set to yet another value stays."""
    before = _before(state)
    for setting in SETTINGS:
        path = setting.path(root)
        if setting.name in before and int(path.read_text()) == setting.least:
            path.write_text(str(before[setting.name]))
    state.kernel.unlink(missing_ok=True)


def _before(state: StateDir) -> dict[str, int]:
    """What labs found on this machine since it started."""
    try:
        remembered = json.loads(state.kernel.read_text())
    except FileNotFoundError:
        return {}
    return dict(remembered["before"]) if remembered["boot_id"] == boot_id() else {}
