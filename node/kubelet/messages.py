"""What a container said at its end (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/)."""

from __future__ import annotations

from pathlib import Path

from node.kubelet import logs
from node.kubelet.runtime import MESSAGE_PATH, MESSAGE_POLICY, Container
from node.kubelet.volumes import Volumes

MAX_BYTES = 4096
# With FallbackToLogsOnError.
LOG_LINES, LOG_BYTES = 80, 2048


def termination_message(run: Container, volumes: Volumes, uid: str) -> str:
    """From the file that was mounted at terminationMessagePath, or, where the policy says so, the end of the log."""
    content = b""
    if run.annotations.get(MESSAGE_PATH):
        file = volumes.message_file(uid, run.name, run.attempt)
        if file.is_file():
            with file.open("rb") as opened:
                content = opened.read(MAX_BYTES)
    if not content and run.exit_code and run.annotations.get(MESSAGE_POLICY) == "FallbackToLogsOnError":
        content = logs.tail(Path(run.log_path), LOG_LINES)[-LOG_BYTES:]
    return content.decode(errors="replace")
