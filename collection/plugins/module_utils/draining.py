# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
"""Which pods leave a node that is drained, and which are in the way. Pure."""

from __future__ import annotations

MIRROR = "kubernetes.io/config.mirror"
DONE = ("Succeeded", "Failed")


def stays(pod: dict) -> bool:
    """Static pods cannot be evicted, and a DaemonSet's would come back at once."""
    owners = pod["metadata"].get("ownerReferences", [])
    return MIRROR in pod["metadata"].get("annotations", {}) or any(each["kind"] == "DaemonSet" for each in owners)


def in_the_way(pod: dict, force: bool, delete_emptydir_data: bool) -> str:
    """What would be lost for good by an eviction that nobody has agreed to; empty where nothing would."""
    if pod.get("status", {}).get("phase") in DONE:
        return ""
    if not force and not any(each.get("controller") for each in pod["metadata"].get("ownerReferences", [])):
        return "nobody would make it again: force"
    if not delete_emptydir_data and any("emptyDir" in each for each in pod["spec"].get("volumes", [])):
        return "its emptyDir would be lost: delete_emptydir_data"
    return ""


def name_of(pod: dict) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
