#!/usr/bin/python3
"""Ansible module: containerd answers over CRI with Podlab's settings, and has Podlab's images."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_images
short_description: containerd answers over CRI, and has Podlab's images
description:
  - Waits until containerd answers; when it does not, the end of its journal is told.
  - Its pods' sandbox must be the one that is asked for - a file that its own configuration imports may say otherwise.
  - Imports images that it does not have under the same name with the same digest.
options:
  folder: {description: "The release, with its virtualenv and its images.", type: path, required: true}
  sandbox_image: {description: The image of pods' sandboxes., type: str, required: true}
  images:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: The reference., type: str, required: true}
      digest: {description: "Of the manifest, sha256:...", type: str, required: true}
      file: {description: The archive's name., type: str, required: true}
  timeout_s: {description: How long containerd may take to answer., type: int, default: 30}
author: [Podlab]
"""

IMAGE = {
    "name": {"type": "str", "required": True},
    "digest": {"type": "str", "required": True},
    "file": {"type": "str", "required": True},
}
OPTIONS = {
    "folder": {"type": "path", "required": True},
    "sandbox_image": {"type": "str", "required": True},
    "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE},
    "timeout_s": {"type": "int", "default": 30},
}
CTR = ("ctr", "--namespace", "k8s.io", "images")
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 60 * PATIENCE
PAUSE_S = 0.3
JOURNAL_LINES = 15


class ContainerdError(Exception):
    """containerd is not as it must be; the message says how, and what to look at."""


def run(*command: str) -> str:
    """Raises ContainerdError with what the command said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    if done.returncode != 0:
        raise ContainerdError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def ask(python: str, timeout_s: float) -> dict[str, Any]:
    """What containerd says of itself. Raises ContainerdError when it says nothing for so long."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer: dict[str, Any] = json.loads(run(python, "-m", "podlab.deploy.verify.cri_probe"))
        if "conditions" in answer:
            return answer
        if time.monotonic() > deadline:
            told = f"containerd does not answer over CRI: {answer['error']}\nThe end of its journal:"
            raise ContainerdError("\n".join([told, *journal()]))
        time.sleep(PAUSE_S)


def journal() -> list[str]:
    command = ["journalctl", "--unit=containerd", f"--lines={JOURNAL_LINES}", "--no-pager", "--output=cat"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    return done.stdout.splitlines()


def check_sandbox(answer: dict[str, Any], wanted: str) -> None:
    if answer["sandbox_image"] != wanted:
        raise ContainerdError(
            f"containerd's sandbox_image is {answer['sandbox_image']}, not {wanted}: look what "
            "/etc/containerd/config.toml imports, and take its part on io.containerd.grpc.v1.cri away"
        )


def lacking(listed: str, images: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those that `ctr images list` does not show with their digest."""
    rows = [line.split() for line in listed.splitlines()]
    there = {(row[0], row[2]) for row in rows if len(row) > 2}
    return [image for image in images if (image["name"], image["digest"]) not in there]


def listed_by_what_runs() -> str:
    """For a check: on a bare host there is no containerd to ask."""
    try:
        return run(*CTR, "list")
    except (ContainerdError, FileNotFoundError):
        return ""


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params, images = module.params, module.params["images"]
    try:
        if module.check_mode:
            missing = lacking(listed_by_what_runs(), images)
        else:
            check_sandbox(ask(f"{params['folder']}/venv/bin/python", params["timeout_s"]), params["sandbox_image"])
            missing = lacking(run(*CTR, "list"), images)
            for image in missing:
                run(*CTR, "import", f"{params['folder']}/images/{image['file']}")
    except (ContainerdError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(missing), images=[image["name"] for image in missing])


if __name__ == "__main__":
    main()
