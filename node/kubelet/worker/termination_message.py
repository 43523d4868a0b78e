"""A container's termination message (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/)."""

from __future__ import annotations

import contextlib
from pathlib import Path

from node.kubelet.cri.runtime import MESSAGE_PATH, MESSAGE_POLICY, Container
from node.kubelet.disk.nofollow import open_for_reading
from node.kubelet.logs import log_reader
from node.kubelet.volume.volume_manager import VolumeManager

MAX_BYTES = 4096
# With the policy FallbackToLogsOnError.
LOG_LINES, LOG_BYTES = 80, 2048


def termination_message(run: Container, volumes: VolumeManager, uid: str) -> str:
    """The file at terminationMessagePath, or, where the policy says so, the end of the log.

    When it cannot be read, the message says why.
    """
    content = b""
    if run.annotations.get(MESSAGE_PATH):
        file = volumes.termination_message_file(uid, run.name, run.attempt)
        try:
            with contextlib.suppress(FileNotFoundError), open_for_reading(file) as opened:
                content = opened.read(MAX_BYTES)
        except OSError as error:
            return f"Error on reading termination log {file}: {error.strerror}"
    if not content and run.exit_code and run.annotations.get(MESSAGE_POLICY) == "FallbackToLogsOnError":
        try:
            content = log_reader.tail(Path(run.log_path), LOG_LINES, LOG_BYTES)
        except OSError as error:
            return f"Error on reading termination message from logs: {error.strerror}"
    return content.decode(errors="replace")
