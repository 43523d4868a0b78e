"""What the login manager says, and what is done about it."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import make_pod

from node.kubelet.nodestatus import shutdown, shutdown_watch
from node.kubelet.nodestatus.shutdown import ShutdownGroup
from node.kubelet.nodestatus.shutdown_watch import ShutdownEffects
from node.kubelet.pod.pod_outcome import PodOutcome

SIGNAL = (
    '{"type":"signal","path":"/org/freedesktop/login1","interface":"org.freedesktop.login1.Manager",'
    '"member":"PrepareForShutdown","payload":{"type":"b","data":[%s]}}\n'
)


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
