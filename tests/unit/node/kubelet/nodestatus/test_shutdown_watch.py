"""What the login manager says, and what is done about it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from podlab_testing.kubelet_pods import make_pod
from podlab_testing.waiting import WITHIN_S

from node.kubelet.nodestatus import shutdown, shutdown_watch
from node.kubelet.nodestatus.shutdown import ShutdownGroup
from node.kubelet.nodestatus.shutdown_watch import ShutdownEffects, ShutdownWatch
from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.settings import ShutdownSettings

SIGNAL = (
    '{"type":"signal","path":"/org/freedesktop/login1","interface":"org.freedesktop.login1.Manager",'
    '"member":"PrepareForShutdown","payload":{"type":"b","data":[%s]}}\n'
)

MONITOR = """#!/bin/sh
sleep 0.2
touch "$0.listens"
echo Monitoring bus message stream. >&2
while [ ! -e "$0.held" ]; do sleep 0.01; done
cat <<'END'
%s
END
"""
# It tells whether the monitor listened when it was started, and holds until its input ends.
INHIBITOR = """#!/bin/sh
folder=$(dirname "$0")
[ -e "$folder/busctl.listens" ] && echo after >"$folder/busctl.held" || echo before >"$folder/busctl.held"
exec cat
"""


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        (SIGNAL % "true", True),
        (SIGNAL % "false", False),
        (SIGNAL.replace("PrepareForShutdown", "PrepareForSleep") % "true", None),
        ("Monitoring bus message stream.\n", None),
        ("\n", None),
    ],
)
def test_a_shutdown_is_announced_and_called_off(line: str, begins: bool | None) -> None:
    assert shutdown_watch.announcement(line.encode()) is begins


async def test_a_group_is_waited_for_until_it_is_gone() -> None:
    ended: list[tuple[str, PodOutcome, int | None]] = []
    looks: list[str] = []

    def is_gone(uid: str) -> bool:
        looks.append(uid)
        return len(looks) > 2

    pods = tuple(make_pod(meta={"uid": uid}, terminationGracePeriodSeconds=3) for uid in ("a", "b"))
    effects = ShutdownEffects(
        pods=lambda: list(pods),
        end=lambda *given: ended.append(given),
        is_gone=is_gone,
        tell=lambda *_: None,
        changed=lambda: None,
    )
    await shutdown_watch.end_group(ShutdownGroup(60, pods), effects)
    assert ended == [("a", shutdown.TERMINATED, 3), ("b", shutdown.TERMINATED, 3)]
    assert looks == ["a", "a", "a", "b"]


async def test_a_shutdown_is_held_up_only_once_its_announcement_would_be_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, script in (("busctl", MONITOR % (SIGNAL % "true").strip()), ("systemd-inhibit", INHIBITOR)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    told: list[tuple[str, str, str]] = []
    effects = ShutdownEffects(
        pods=list, end=lambda *_: None, is_gone=lambda _: True, tell=lambda *event: told.append(event), changed=bool
    )
    watch = ShutdownWatch(ShutdownSettings(grace_period_s=30))
    await asyncio.wait_for(watch._hold(effects), WITHIN_S)
    assert told == [shutdown.BEGUN]
    assert watch.shutting_down
    assert (tmp_path / "busctl.held").read_text() == "after\n"
