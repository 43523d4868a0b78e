"""Whether a node may leave the cluster, and how it is drained. Pure."""

from __future__ import annotations

from podlab.deploy.nodes.standing import Standing


def refusal(name: str, standing: Standing, *, force: bool) -> str:
    """Why the node is not even drained, with the remedy; empty when nothing stands in the way."""
    if standing.ready != "Unknown" or force:
        return ""
    return (
        f"nothing has been heard of {name} since {standing.since}: whether its pods still run cannot be known, and "
        "they would be started elsewhere. Start it again; or switch the host off, and say leave_force=true"
    )


def drain_arguments(name: str, timeout_s: int, *, force: bool, check: bool) -> list[str]:
    """Of `podlab`. Pods of DaemonSets end with the node, as volumes do that live no longer than their pod."""
    always = ["drain", name, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout", str(timeout_s)]
    return [*always, *(["--force"] if force else []), *(["--dry-run"] if check else [])]


def not_drained(name: str, said: str) -> str:
    """`said` is what the drain printed on stderr: its last line is why it ended."""
    cause = said.strip().splitlines()[-1].removeprefix("error: ") if said.strip() else "it did not say why"
    return (
        f"{cause}. It stays cordoned, nothing else has changed: run again with a longer leave_timeout_s, or with "
        f"leave_force=true, which ends the pods that are left; podlab uncordon {name} takes it back"
    )
