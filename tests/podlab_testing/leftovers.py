"""What a node still has of pods that are gone: files, mounts, containers, snapshots, addresses, network namespaces,
cgroups."""

from __future__ import annotations

from podlab.lab.lab import Lab
from podlab_testing.deployed import Cli, wait_until
from podlab_testing.waiting import WITHIN_S

# Prints "<what> <owner>" for each thing that belongs to a pod (by uid) or a sandbox or container (by id), and for each
# container that is of no pod in the filter $1. A network namespace belongs to nobody when no process is in it.
_SCRIPT = r"""
set -e
for uid in $(ls /var/lib/podlab/kubelet/pods); do echo "directory $uid"; done
for name in $(ls /var/log/pods); do echo "logs ${name##*_}"; done
sed -n 's|.*/var/lib/podlab/kubelet/pods/\([^/]*\)/.*|mount \1|p' /proc/mounts
ctr -n k8s.io containers ls -q | sed 's/^/id /'
ctr -n k8s.io snapshots ls | awk '$NF == "Active" {print "snapshot", $1}'
cd /var/lib/cni/networks/podlab && for ip in $(ls | grep '^[0-9]'); do echo "address $(head -1 $ip | tr -d '\r')"; done
used=$(readlink /proc/[0-9]*/ns/net 2>/dev/null | sort -u)
for name in $(ls /run/netns 2>/dev/null | grep ^cni-); do
  echo "$used" | grep -qF "net:[$(stat -c %i /run/netns/$name)]" || echo "netns $name"
done
cd /sys/fs/cgroup
for group in $(find */kubepods kubepods -mindepth 1 -type d 2>/dev/null | sort -u); do
    case $(basename $group) in
        burstable | besteffort) ;;
        pod*) echo "group $(basename $group | cut -c 4-)" ;;
        *) echo "cgroup $(basename $group)" ;;
    esac
done
ctr -n k8s.io containers ls -q "$1" | sed 's/^/container /'
"""

# What container, runtime and kubelet say of the owners that are given: whose a container is and whether it runs, and
# what was logged of its pod.
_WHY = r"""
logged() { journalctl --unit podlab-kubelet --unit containerd --no-pager | grep -F "$1" | tail -20; }
for owner in "$@"; do
    labels=$(ctr -n k8s.io containers info "$owner" 2>/dev/null | sed -n 's/.*"io.kubernetes.[a-z.]*": //p' | xargs)
    echo "$owner: $labels $(ctr -n k8s.io tasks ls | awk -v id="$owner" '$1 == id {print $3}')"
    for each in "$owner" $(echo "$labels" | tr -d ,); do
        [ ${#each} -lt 32 ] || logged "$each"
    done
done
"""


def until_nothing_is_left(lab: Lab, cli: Cli, timeout_s: float = WITHIN_S) -> None:
    """Fails with what is there from now on, on any node, though its pod is gone: others come and go meanwhile."""
    nodes = [str(node["metadata"]["name"]) for node in cli.items("nodes")]
    left: set[str] | None = None

    def gone() -> bool:
        nonlocal left
        uids = {each["metadata"]["uid"] for each in cli.items("pods", "-A")}
        now = {each for node in nodes for each in _leftovers(lab, node, uids)}
        left = now if left is None else left & now
        return not left

    try:
        wait_until(gone, "nothing is left of pods that are gone", timeout_s, 1)
    except AssertionError as error:
        raise AssertionError(f"{error}: {sorted(left or ())}\n{_why(lab, left or set())}") from error


def _why(lab: Lab, left: set[str]) -> str:
    """What is known on each node of what is left there."""
    owners: dict[str, dict[str, None]] = {}
    for node, _, what in (each.partition(": ") for each in sorted(left)):
        owners.setdefault(node, {})[what.rpartition(" ")[2]] = None
    told = ((node, lab.run(node, ["sh", "-c", _WHY, "why", *some])) for node, some in owners.items())
    return "\n".join(f"{node}: {done.stdout}{done.stderr}" for node, done in told)


def _leftovers(lab: Lab, node: str, uids: set[str]) -> list[str]:
    """Everything on the node that belongs to no pod of those uids, or to no container."""
    others = ",".join(f'labels."io.kubernetes.pod.uid"!="{uid}"' for uid in sorted(uids)) or "id!=none"
    done = lab.run(node, ["sh", "-c", _SCRIPT, "leftovers", others])
    assert done.returncode == 0, done.stderr
    things = [tuple(line.split(" ", 1)) for line in done.stdout.splitlines()]
    ids = {owner for what, owner in things if what == "id"}
    by_uid = {"directory", "logs", "mount", "group"}
    return [
        f"{node}: {what} of {owner}"
        for what, owner in things
        if what == "container" or (what != "id" and owner not in (uids if what in by_uid else ids))
    ]
