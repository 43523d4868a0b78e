"""Ansible callback: the seconds of each play and task, as one table at the end of a run.

On with ANSIBLE_CALLBACKS_ENABLED=podlab_profile, as Ansible's own of this kind are; `make converge PROFILE=1` sets it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: podlab_profile
type: aggregate
short_description: The seconds of each play and task
description:
  - A task's seconds are those from its first host's start to its last host's end; the host that took longest is named.
options:
  least_s:
    description: A task that took less is left out.
    type: float
    default: 0.1
    env: [{name: PODLAB_PROFILE_LEAST_S}]
    ini: [{section: callback_podlab_profile, key: least_s}]
"""


@dataclass
class Timed:
    """A task: when its first host began, and what its hosts took, in seconds."""

    name: str
    began: float
    ended: float
    hosts: dict[str, float] = field(default_factory=dict)

    def line(self) -> str:
        slowest = max(self.hosts, key=lambda host: self.hosts[host])
        return f"{self.ended - self.began:8.1f}    {self.name}  ({slowest} {self.hosts[slowest]:.1f})"


@dataclass
class TimedPlay:
    name: str
    began: float
    tasks: dict[str, Timed] = field(default_factory=dict)


class CallbackModule(CallbackBase):
    """Its options are documented above."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "podlab_profile"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._plays: list[TimedPlay] = []
        self._starts: dict[tuple[str, str], float] = {}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._plays.append(TimedPlay(play.get_name(), time.monotonic()))

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        now = self._starts[host.name, task._uuid] = time.monotonic()
        self._plays[-1].tasks.setdefault(task._uuid, Timed(task.get_name(), now, now))

    def v2_runner_on_ok(self, result: Any) -> None:
        self._ended(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._ended(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._ended(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended(result)

    def _ended(self, result: Any) -> None:
        host, task, now = result._host.name, result._task._uuid, time.monotonic()
        if timed := self._plays[-1].tasks.get(task):
            timed.ended = now
            timed.hosts[host] = now - self._starts.get((host, task), now)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        now = time.monotonic()
        self._display.banner("SECONDS")
        ends = [play.began for play in self._plays[1:]] + [now]
        for play, end in zip(self._plays, ends, strict=True):
            if any(task.hosts for task in play.tasks.values()):
                self._display.display(f"{end - play.began:8.1f}  {play.name}")
            for task in play.tasks.values():
                if task.hosts and task.ended - task.began >= self.get_option("least_s"):
                    self._display.display(task.line())
        if self._plays:
            self._display.display(f"{now - self._plays[0].began:8.1f}  in all")
