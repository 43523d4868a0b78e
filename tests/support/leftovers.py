"""What a node still has of pods that are gone: files, mounts, containers, snapshots, addresses, cgroups."""

from __future__ import annotations

from podlab.lab.lab import Lab

# Prints "<what> <owner>" for each thing that belongs to a pod (by uid) or a sandbox or container (by id).
_SCRIPT = r"""
set -e
for uid in $(ls /var/lib/podlab/kubelet/pods); do echo "directory $uid"; done
for name in $(ls /var/log/pods); do echo "logs ${name##*_}"; done
sed -n 's|.*/var/lib/podlab/kubelet/pods/\([^/]*\)/.*|mount \1|p' /proc/mounts
ctr -n k8s.io containers ls -q | sed 's/^/id /'
ctr -n k8s.io snapshots ls | awk '$NF == "Active" {print "snapshot", $1}'
cd /var/lib/cni/networks/podlab && for ip in $(ls | grep '^[0-9]'); do echo "address $(head -1 $ip | tr -d '\r')"; done
cd /sys/fs/cgroup
for group in $(ls -d memory/kubepods/*/ kubepods/*/ 2>/dev/null); do echo "cgroup $(basename $group)"; done
for id in $(ctr -n k8s.io containers ls -q); do
  echo "container $(ctr -n k8s.io containers info "$id" | sed -n 's/.*"io.kubernetes.pod.uid": "\(.*\)".*/\1/p')"
done
"""


def leftovers(lab: Lab, node: str, uids: set[str]) -> list[str]:
    """Everything on the node that belongs to no pod of those uids, or to no container."""
    done = lab.run(node, ["sh", "-c", _SCRIPT])
    assert done.returncode == 0, done.stderr
    things = [tuple(line.split(" ", 1)) for line in done.stdout.splitlines()]
    ids = {owner for what, owner in things if what == "id"}
    by_uid = {"directory", "logs", "mount", "container"}
    return [
        f"{node}: {what} of {owner}"
        for what, owner in things
        if what != "id" and owner not in (uids if what in by_uid else ids)
    ]
