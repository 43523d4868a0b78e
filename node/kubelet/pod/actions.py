"""What a pod worker can do in one step."""

from __future__ import annotations

from dataclasses import dataclass

from node.kubelet.pod.pod_notes import FOREVER


@dataclass(frozen=True)
class RunSandbox:
    attempt: int


@dataclass(frozen=True)
class StopSandbox:
    id: str


@dataclass(frozen=True)
class RemoveSandbox:
    id: str


@dataclass(frozen=True)
class StartContainer:
    """`next_backoff_s` is the back-off of the run after this one; it is kept with this run."""

    name: str
    attempt: int
    next_backoff_s: int


@dataclass(frozen=True)
class StopContainer:
    id: str
    name: str
    grace_s: int
    message: str


@dataclass(frozen=True)
class RemoveContainer:
    id: str


@dataclass(frozen=True)
class Finish:
    """The runtime has nothing of the pod any more: free its volumes and delete it from the API."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do before that time (seconds since 1970), unless something changes."""

    until: float = FOREVER


Action = RunSandbox | StopSandbox | RemoveSandbox | StartContainer | StopContainer | RemoveContainer | Finish | Wait
