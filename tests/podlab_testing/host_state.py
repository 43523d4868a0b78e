"""All of a lab host that a deployment may touch, as a sorted list of lines: two of them differ in what was changed.

What changes by itself, or with whatever is done to a host, is left out: journals, caches, times, who is logged in.

For hosts that are no lab's: `python -m podlab_testing.host_state` prints the script that tells it there, and with two
files of what it told, what differs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from podlab.lab.lab import Lab

# systemctl waits for systemd, which on a slow host needs a while.
ON_HOST = r"""
export LC_ALL=C SYSTEMD_BUS_TIMEOUT=600s
say() { sed "s|^|$1 |"; }
dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' | say package
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run -o -path /var/tmp \
    -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /var/log/journal \
    -o -path /var/cache/apt -o -path /var/cache/debconf -o -path /root/.ansible -o -name __pycache__ \) -prune \
    -o -printf '%p %y %m %u:%g %l\n' | say file
find /run -xdev -not -path '/run/systemd/*' -not -path '/run/user*' -not -path '/run/log*' -not -path '/run/lock*' \
    -not -path '/run/udev*' -printf '%p %y %m %u:%g\n' | say file
find /etc -xdev -type f -not -name '*-' -not -name ld.so.cache -exec sha256sum {} + | say content
cat /var/lib/ucf/hashfile /var/lib/ucf/registry 2>/dev/null | say ucf
for name in passwd group shadow gshadow; do sort /etc/$name | say $name; done
systemctl list-unit-files --no-legend | say unit-file
systemctl list-units --all --plain --no-legend --type=service,socket,timer,mount,path \
    | awk '{print $1, $2, $3}' | say unit
iptables-save | say iptables
ip6tables-save | say ip6tables
iptables-legacy-save 2>/dev/null | say iptables-legacy
ip -brief link | cut -d' ' -f1 | sed 's/@if[0-9]*$//' | say link
ip -brief address | awk '{sub(/@if[0-9]+$/, "", $1); $2 = ""; print}' | say address
ip -4 route show table all | say route
ip -6 route show table all | say route6
ip -4 rule | say rule
ip -6 rule | say rule6
cut -d' ' -f2,3 /proc/self/mounts | say mount
find /sys/fs/cgroup -type d \( -name 'kubepods*' -o -name '*podlab*' -o -name '*containerd*' \) | say cgroup
sysctl --all 2>/dev/null | say sysctl
ps -eo user=,comm= | sort -u | say process
"""
# Lines of what changes by itself or with the way in.
_PASSING = re.compile(
    r"(iptables|ip6tables|iptables-legacy) [:#]"
    r"|(iptables|ip6tables|iptables-legacy) (\*\w+|COMMIT)$"
    r"|sysctl (fs\.(dentry-state|file-nr|inode-nr|inode-state|quota\.)|kernel\.(ns_last_pid|random\.|pty\.nr|spl)"
    r"|net\.ipv4\.tcp_fastopen_key|net\.netfilter\.nf_conntrack_count|net\.ipv[46]\.route\.flush"
    r"|net\.(ipv4|ipv6|netfilter|nf_conntrack)\S*_(mem|max) "
    r"|vm\.stat|dev\.cdrom)"
    r"|file /(run/adduser|run/xtables\.lock|run/netns|var/lib/containerd)\b"
    r"|file /var/lib/ucf/(hashfile|registry)\.\d+ "  # older ones: ucf keeps some, whatever is installed or purged
    r"|file /(var/log|var/cache/ldconfig|etc/\.pwd\.lock|var/lib/misc|var/lib/sudo)\b"
    r"|(unit|file|cgroup|mount) \S*(session-|user@|user-runtime|/user/|run-u\d+)"
    r"|unit \S*(apt-daily|dpkg-db-backup|e2scrub|fstrim|logrotate|man-db)"
    r"|unit \S*systemd-(tmpfiles-clean|hostnamed|timedated|localed)"
    r"|process \S+ +(sh|ps|sort|sed|sshd\S*|sftp-server|python3|systemd-userwor|\(sd-\S+|systemd|agetty|awk|cut|find)$"
)


def host_state(lab: Lab, host: str) -> list[str]:
    """Of a host that runs."""
    done = lab.run(host, ["sh", "-c", ON_HOST], timeout_s=120)
    assert done.returncode == 0, done.stderr
    return sorted(lasting(done.stdout) | set(_nftables(lab, host)))


def lasting(told: str) -> set[str]:
    """Of what the script told, the lines of what does not change by itself."""
    lines = [re.sub(r" \[\d+:\d+\]", "", line.rstrip()) for line in told.splitlines()]
    return {line for line in lines if not _PASSING.match(line)}


def _nftables(lab: Lab, host: str) -> list[str]:
    """Tables, chains, sets and rules; asked from outside, because a bare host has no nft. Empty chains do nothing."""
    (leader,) = [each.leader_pid for each in lab.status() if each.host.name == host]
    asked = ["nsenter", f"--net=/proc/{leader}/ns/net", "nft", "--json", "list", "ruleset"]
    found = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout)["nftables"]
    told = []
    for each in found:
        ((kind, content),) = each.items()
        if kind in ("rule", "set", "map", "flowtable", "counter", "quota"):
            plain = {key: value for key, value in content.items() if key != "handle"}
            rule = re.sub('"(packets|bytes)": [0-9]+', "", json.dumps(plain, sort_keys=True))
            told.append(f"nft {kind} {rule}")
    return told


def difference(before: list[str], after: list[str]) -> list[str]:
    """`+` is what came, `-` what went."""
    return [f"- {line}" for line in sorted({*before} - {*after})] + [
        f"+ {line}" for line in sorted({*after} - {*before})
    ]


def main(arguments: list[str]) -> int:
    """The exit code, which is 1 when anything differs."""
    if not arguments:
        print(ON_HOST, end="")
        return 0
    before, after = (sorted(lasting(Path(name).read_text())) for name in arguments)
    differs = difference(before, after)
    print("\n".join(differs) if differs else "nothing differs")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
