"""What can happen to one master of several: each fault begins, lasts, and ends, on a lab host.

`prepare` gives masters, before anything is deployed on them, a disk of their own that can be filled, and a clock of
their own that can be set: that of a lab host is the whole machine's.
"""

from __future__ import annotations

import shlex
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from podlab.lab.lab import Lab
from podlab_testing.own_clusters import OwnCluster

SERVICES = ("etcd", "apiserver", "scheduler", "controllers")
UNITS = " ".join(f"podlab-{each}" for each in SERVICES)
DISK, DISK_MIB = "/var/lib/podlab", 512
CLOCK_FILE = "/etc/podlab-clock"
OFF_S = 300
KILLED_EVERY_S = 4.0


def prepare(lab: Lab, masters: Sequence[str]) -> None:
    """The masters are started anew. A disk is memory of this machine's, and so it outlives its host's power."""
    lab.stop(masters, hard=True)
    for name in masters:
        place = lab.directory.host(name).filesystem / DISK.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        options = f"size={DISK_MIB}m,mode=0755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, f"{lab.name}-{name}", str(place)], check=True)
    lab.start(masters)
    for name in masters:
        done = lab.run(name, ["sh", "-c", clock_of_its_own()], timeout_s=180)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"


# For programs of who logs in: Python's sleep fails with a libfaketime that leaves the steady clock alone.
LOGIN = f"""import os, time
if "LD_PRELOAD" not in os.environ:
    with open("{CLOCK_FILE}") as file:
        time.time = lambda real=time.time, off=int(file.read()): real() + off
"""


def clock_of_its_own() -> str:
    """The commands by which our services, and who logs in, see the host's own clock, which begins as everybody's.

    Not its steady clock: that goes on whatever somebody sets the other one to.
    """
    variables = (
        f"LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE={CLOCK_FILE} FAKETIME_CACHE_DURATION=1"
        " FAKETIME_DONT_FAKE_MONOTONIC=1"
    )
    return f"""set -e
apt-get -q update >/dev/null && apt-get -q install --yes libfaketime >/dev/null
library=$(dpkg --listfiles libfaketime | grep '/libfaketime\\.so\\.1$')
echo +0 > {CLOCK_FILE}
for service in {" ".join(SERVICES)}; do
  mkdir -p /etc/systemd/system/podlab-$service.service.d
  printf '[Service]\\nEnvironment=%s\\n' "{variables}" > /etc/systemd/system/podlab-$service.service.d/clock.conf
done
printf '%s' {shlex.quote(LOGIN)} > $(ls -d /etc/python3.*)/sitecustomize.py
systemctl daemon-reload
"""


@dataclass(frozen=True)
class Fault:
    """One kind of them; `named` are the checks by which `podlab doctor` may name it, on its host, while it lasts."""

    named: tuple[str, ...]

    def __str__(self) -> str:
        return type(self).__name__.lower()

    @contextmanager
    def on(self, cluster: OwnCluster, host: str) -> Iterator[None]:
        """Lasts as long as the block; ends also where that fails."""
        self.begin(cluster, host)
        try:
            yield
        finally:
            self.end(cluster, host)

    def begin(self, cluster: OwnCluster, host: str) -> None:
        raise NotImplementedError

    def end(self, cluster: OwnCluster, host: str) -> None:
        raise NotImplementedError


class Killed(Fault):
    """Everything that runs there, again and again."""

    @contextmanager
    def on(self, cluster: OwnCluster, host: str) -> Iterator[None]:
        over = threading.Event()

        def kill() -> None:
            while True:
                cluster.on(host, f"systemctl kill --signal=KILL {UNITS} || true")
                if over.wait(KILLED_EVERY_S):
                    return

        killing = threading.Thread(target=kill)
        killing.start()
        try:
            yield
        finally:
            over.set()
            killing.join()


class Unplugged(Fault):
    """The host is without power, and started again."""

    def begin(self, cluster: OwnCluster, host: str) -> None:
        cluster.lab.stop([host], hard=True)

    def end(self, cluster: OwnCluster, host: str) -> None:
        cluster.lab.start([host])


class Rebooted(Fault):
    """The host ends in order, is away for a while, and comes back."""

    def begin(self, cluster: OwnCluster, host: str) -> None:
        cluster.lab.stop([host])

    def end(self, cluster: OwnCluster, host: str) -> None:
        cluster.lab.start([host])


class CutOff(Fault):
    """From the other masters; whoever else uses its API server still reaches that."""

    def begin(self, cluster: OwnCluster, host: str) -> None:
        others = [address for name, address in cluster.addresses().items() if name[0] == "m" and name != host]
        rules = [f"-A CHAOS {way} {address} -j DROP" for address in others for way in ("-s", "-d")]
        steps = ["-N CHAOS", *rules, "-I INPUT -j CHAOS", "-I OUTPUT -j CHAOS"]
        cluster.on(host, " && ".join(f"iptables -w {step}" for step in steps))

    def end(self, cluster: OwnCluster, host: str) -> None:
        steps = ["-D INPUT -j CHAOS", "-D OUTPUT -j CHAOS", "-F CHAOS", "-X CHAOS"]
        cluster.on(host, " && ".join(f"iptables -w {step}" for step in steps))


class Full(Fault):
    """The disk that etcd and the API server write to."""

    def begin(self, cluster: OwnCluster, host: str) -> None:
        cluster.on(host, f"head -c {DISK_MIB}M /dev/zero > {DISK}/filler 2>/dev/null; df {DISK} | grep -q '100%'")

    def end(self, cluster: OwnCluster, host: str) -> None:
        cluster.on(host, f"rm {DISK}/filler")


class Off(Fault):
    """The host's clock, by some minutes ahead of the others."""

    def begin(self, cluster: OwnCluster, host: str) -> None:
        cluster.on(host, f"echo +{OFF_S} > {CLOCK_FILE}")

    def end(self, cluster: OwnCluster, host: str) -> None:
        cluster.on(host, f"echo +0 > {CLOCK_FILE}")


class Behind(Off):
    """And by some minutes behind."""

    def begin(self, cluster: OwnCluster, host: str) -> None:
        cluster.on(host, f"echo -{OFF_S} > {CLOCK_FILE}")


class Frozen(Fault):
    """API server and etcd stand still, and go on as if nothing had been."""

    def begin(self, cluster: OwnCluster, host: str) -> None:
        cluster.on(host, "systemctl kill --kill-whom=main --signal=STOP podlab-etcd podlab-apiserver")

    def end(self, cluster: OwnCluster, host: str) -> None:
        cluster.on(host, "systemctl kill --kill-whom=main --signal=CONT podlab-etcd podlab-apiserver")


FAULTS = (
    Killed(("unit",)),
    Unplugged(("connection",)),
    Rebooted(("connection",)),
    CutOff(("way",)),
    Full(("disk",)),
    Off(("clock",)),
    Behind(("clock",)),
    Frozen(("apiserver", "etcd")),
)
