"""What preflight gathers of a host that lacks nothing."""

from podlab.deploy.preflight.hosts.facts import Facts, FileSystem, Inotify

FACTS = Facts(
    place="one",
    root=True,
    python=(3, 11, 2),
    os_id="debian",
    os_version="12",
    os_name="Debian 12",
    architecture="x86_64",
    kernel="6.1.0",
    systemd=True,
    hostname="n1",
    machine_id="a" * 32,
    cpus=2,
    memory_bytes=1 << 31,
    filesystems=(FileSystem(directories=("/var/lib/podlab",), free_bytes=1 << 34),),
    inotify=Inotify(instances=1024),
    missing_features=(),
    cgroup_controllers=frozenset(),
    listeners=(),
    name_servers=(),
    subnets=(),
    clock_ahead_s=(0.0, 0.0),
)
