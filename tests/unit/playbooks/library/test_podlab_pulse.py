"""How what runs on a host is told."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.ansible_code import load

podlab_pulse = load("podlab_pulse")
SHOWN = """Id=podlab-etcd.service
ActiveState=activating
SubState=auto-restart
NRestarts=4
StateChangeTimestampMonotonic=99000000

Id=podlab-apiserver.service
ActiveState=active
SubState=running
NRestarts=1
StateChangeTimestampMonotonic=88000000

Id=containerd.service
ActiveState=active
SubState=running
NRestarts=1
StateChangeTimestampMonotonic=1000000
"""


def test_a_unit_s_restarts_count_for_some_minutes() -> None:
    found = podlab_pulse.states(SHOWN, 700.0)
    assert found["podlab-etcd"] == {"state": "activating (auto-restart)", "restarts": 0, "since_s": 601.0}
    assert podlab_pulse.states(SHOWN, 100.0) == {
        "podlab-etcd": {"state": "activating (auto-restart)", "restarts": 4, "since_s": 1.0},
        "podlab-apiserver": {"state": "active", "restarts": 1, "since_s": 12.0},
        "containerd": {"state": "active", "restarts": 1, "since_s": 99.0},
    }


def test_last_words_are_those_of_units_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = {
        "UNIT=a.service": "a.service: Main process exited, code=killed\na.service: Scheduled restart\n",
        "_SYSTEMD_UNIT=a.service": "first\nno space left\n\n",
    }
    monkeypatch.setattr(podlab_pulse, "run", lambda *command: journal[command[-1]])
    steady = {"state": "active", "restarts": 0}
    found = podlab_pulse.with_words({"a": {"state": "failed", "restarts": 0}, "b": dict(steady)})
    assert found["a"]["ended"] == "a.service: Main process exited, code=killed"
    assert found["a"]["said"] == "no space left"
    assert found["b"] == steady


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            (200, b'{"leader":"7","errors":["alarm:NOSPACE"]}'),
            {"silent": "", "leader": True, "wrong": ["alarm:NOSPACE"]},
        ),
        ((200, b'{"leader":"0"}'), {"silent": "", "leader": False, "wrong": []}),
        ((200, b"{}"), {"silent": "", "leader": False, "wrong": []}),
        ((503, b'{"message":"no"}'), {"silent": "503: no", "leader": False, "wrong": []}),
    ],
)
def test_what_etcd_says_of_itself_is_told(
    answer: tuple[int, bytes], told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(podlab_pulse, "request", lambda *_: answer)
    assert podlab_pulse.etcd("192.0.2.1", 2379) == told


def test_a_server_that_does_not_answer_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> tuple[int, bytes]:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(podlab_pulse, "request", refused)
    assert "Connection refused" in podlab_pulse.server("192.0.2.1", 6443)
    assert podlab_pulse.etcd("192.0.2.1", 2379)["silent"]
    monkeypatch.setattr(podlab_pulse, "request", lambda *_: (500, b"[-]store failed\n"))
    assert podlab_pulse.server("192.0.2.1", 6443) == "500: [-]store failed"
    monkeypatch.setattr(podlab_pulse, "request", lambda *_: (200, b"ok"))
    assert podlab_pulse.server("192.0.2.1", 6443) == ""
