"""Memory of each component on the deployed lab, as PSS.

Method: PSS and anonymous memory from /proc/PID/smaps_rollup of each unit's main process, read over SSH. Shared pages
count in part for each of their users, so the sums are what the host really spends.
"""

from __future__ import annotations

import os

from podlab.lab.lab import Lab

UNITS = {
    "m": ("podlab-apiserver", "podlab-scheduler", "podlab-controllers"),
    "n": ("podlab-kubelet", "podlab-proxy"),
}
SCRIPT = "pid=$(systemctl show -p MainPID --value {unit}) && grep -E '^(Pss|Pss_Anon):' /proc/$pid/smaps_rollup"


def main() -> None:
    lab = Lab(os.environ.get("PODLAB_CLUSTER", "lab"))
    for host in lab.spec().hosts:
        total_kib = 0
        for unit in UNITS[host.name[0]]:
            done = lab.run(host.name, ["sh", "-c", SCRIPT.format(unit=unit)])
            pss_kib, anon_kib = (int(line.split()[1]) for line in done.stdout.splitlines())
            total_kib += pss_kib
            print(f"{host.name} {unit:20} PSS {pss_kib / 1024:6.1f} MiB (anonymous {anon_kib / 1024:.1f})")
        print(f"{host.name} {'in all':20} PSS {total_kib / 1024:6.1f} MiB")


if __name__ == "__main__":
    main()
