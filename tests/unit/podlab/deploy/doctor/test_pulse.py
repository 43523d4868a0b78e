"""What is wrong with a host is told by what runs there and by what that says."""

from __future__ import annotations

import pytest

from podlab.deploy.doctor.pulse import Member, Pulse, Unit, judged
from podlab.deploy.preflight.finding import Severity

RUNS = Unit(state="active")
FULL = '{"level":"fatal","ts":1.0,"msg":"failed to save raft entries","error":"write: no space left on device"}'
KILLED = "podlab-apiserver.service: Main process exited, code=killed, status=9/KILL"


def pulse(**changes: object) -> Pulse:
    own: dict[str, object] = {"units": {"podlab-etcd": RUNS, "podlab-apiserver": RUNS}, "server": "", "etcd": Member()}
    return Pulse(**(own | changes))  # type: ignore[arg-type]


def test_a_host_where_all_runs_and_answers_is_well() -> None:
    assert list(judged("m1", pulse())) == []
    assert list(judged("n1", Pulse(units={"podlab-kubelet": RUNS}))) == []


@pytest.mark.parametrize(
    ("seen", "check", "words"),
    [
        (Pulse(), "unit", "nothing of Podlab starts with it"),
        (pulse(units={"podlab-dns": Unit(state="failed")}), "unit", "podlab-dns does not run: it is failed"),
        (
            pulse(units={"podlab-etcd": Unit(state="activating (auto-restart)", restarts=9, said=FULL)}),
            "unit",
            "podlab-etcd does not run: it is activating (auto-restart), started again 9 times; "
            "it said last: failed to save raft entries: write: no space left on device",
        ),
        (pulse(etcd=Member(silent="timed out")), "etcd", "its etcd runs and does not answer: timed out"),
        (pulse(etcd=Member(leader=False, wrong=["etcdserver: no leader"])), "etcd", "its etcd knows no leader"),
        (pulse(etcd=Member(wrong=["memberID:7 alarm:NOSPACE "])), "etcd", "its etcd says: memberID:7 alarm:NOSPACE"),
        (pulse(server="500: [-]store failed"), "apiserver", "its API server is not ready: 500: [-]store failed"),
    ],
)
def test_what_is_broken_is_named_with_what_to_do(seen: Pulse, check: str, words: str) -> None:
    (found,) = judged("m1", seen)
    assert (found.host, found.check, found.severity) == ("m1", check, Severity.ERROR)
    assert words in found.cause
    assert found.remedy


def test_what_was_killed_and_runs_again_is_worth_a_warning() -> None:
    again = Unit(state="active", restarts=2, since_s=12.3, ended=KILLED)
    (found,) = judged("m1", pulse(units={"podlab-apiserver": again}))
    assert found.severity is Severity.WARNING
    assert found.cause == (
        "podlab-apiserver ended by itself and was started again 12 s ago; "
        "it ended: Main process exited, code=killed, status=9/KILL"
    )


def test_what_does_not_run_is_not_told_to_be_silent_as_well() -> None:
    stopped = {"podlab-etcd": Unit(state="failed"), "podlab-apiserver": Unit(state="failed")}
    found = list(judged("m1", pulse(units=stopped, etcd=Member(silent="refused"), server="refused")))
    assert [each.check for each in found] == ["unit", "unit"]


def test_a_pulse_is_read_as_the_host_tells_it() -> None:
    unit = {"state": "failed", "restarts": 0, "since_s": 3.0, "ended": "", "said": "no"}
    etcd = {"silent": "", "leader": False, "wrong": ["x"]}
    read = Pulse.read({"units": {"podlab-etcd": unit}, "server": None, "etcd": etcd})
    expected = Unit(state="failed", since_s=3.0, said="no")
    assert read == Pulse(units={"podlab-etcd": expected}, server=None, etcd=Member(leader=False, wrong=["x"]))
