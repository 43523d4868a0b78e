"""What the runtime is told about a pod's sandbox and containers: resources, security, DNS, ports."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.kubelet_pods import Json, MakePod

from node.kubelet.containerconfig import container_config, dns, security_context
from node.kubelet.containerconfig.environment import ConfigError
from node.kubelet.containerconfig.linux_resources import NodeMemory, linux_resources
from node.kubelet.containerconfig.security_context import SeccompProfiles
from node.kubelet.cri.runtime import Image
from node.kubelet.logs import log_files
from node.resolvconf import ResolvConf
from podlab.foreign.cri.v1 import api_pb2 as cri

GIB = 1 << 30


SECCOMP = SeccompProfiles(Path("/kubelet/seccomp"))


def _container(
    pod: MakePod, spec: Json | None = None, *, seccomp: SeccompProfiles = SECCOMP, **container: object
) -> cri.ContainerConfig:
    made = pod(containers=[{"name": "web", "image": "i", **container}], **(spec or {}))
    return container_config.container_config(
        made,
        made.spec.containers[0],
        container_config.ContainerAttempt(attempt=2, next_backoff_s=20),
        environment={"NAME": "x"},
        mounts=[],
        memory=NodeMemory(4 * GIB),
        seccomp=seccomp,
    )


@pytest.mark.parametrize(("whole", "told"), [(False, {}), (True, {"memory.oom.group": "1"})])
def test_a_container_ends_as_a_whole_where_the_kernel_can(pod: MakePod, *, whole: bool, told: dict[str, str]) -> None:
    made = pod(containers=[{"name": "web", "image": "i"}])
    resources = linux_resources(made, made.spec.containers[0], NodeMemory(4 * GIB, oom_group=whole))
    assert resources.unified == told


@pytest.mark.parametrize(
    ("resources", "shares", "quota", "memory", "adj"),
    [
        ({}, 2, 0, 0, 1000),
        ({"requests": {"cpu": "500m", "memory": "1Gi"}}, 512, 0, 0, 750),
        ({"requests": {"cpu": "1m", "memory": "4Gi"}}, 2, 0, 0, 3),
        ({"limits": {"cpu": "2", "memory": "1Gi"}}, 2048, 200_000, GIB, -997),
        ({"requests": {"cpu": "100m"}, "limits": {"cpu": "5m"}}, 102, 1000, 0, 999),
    ],
)
def test_requests_and_limits_become_cgroup_settings(
    pod: MakePod, resources: Json, shares: int, quota: int, memory: int, adj: int
) -> None:
    told = _container(pod, resources=resources).linux.resources
    assert (told.cpu_shares, told.cpu_quota, told.memory_limit_in_bytes, told.oom_score_adj) == (
        shares, quota, memory, adj
    )  # fmt: skip


def test_a_container_without_limits_has_those_of_its_pod_and_a_part_of_what_it_asks_for(pod: MakePod) -> None:
    whole = {"resources": {"requests": {"memory": "2Gi"}, "limits": {"cpu": "1", "memory": "3Gi"}}}
    told = _container(pod, whole, resources={"requests": {"memory": "1Gi"}}).linux.resources
    assert (told.cpu_shares, told.cpu_quota, told.memory_limit_in_bytes) == (2, 100_000, 3 * GIB)
    assert told.oom_score_adj == 500  # 1 GiB of its own and the rest of 1 GiB, of 4


def test_huge_pages_are_limited_by_their_size_as_the_kernel_names_it(pod: MakePod) -> None:
    limits = {"cpu": "1", "hugepages-2Mi": "8Mi", "hugepages-1Gi": "2Gi", "hugepages-64Ki": "128Ki"}
    told = _container(pod, resources={"limits": limits}).linux.resources.hugepage_limits
    assert [(each.page_size, each.limit) for each in told] == [("1GB", 2 * GIB), ("2MB", 8 << 20), ("64KB", 128 << 10)]


def test_sandbox_and_containers_are_in_the_pods_own_group(pod: MakePod) -> None:
    config = container_config.sandbox_config(pod(resources={"limits": {"cpu": "1"}}), 0, ResolvConf())
    assert config.linux.cgroup_parent == "/kubepods/burstable/podu1"


def test_commands_are_expanded_and_runs_are_numbered(pod: MakePod) -> None:
    told = _container(pod, command=["run", "$(NAME)", "$(OTHER)"], args=["$$(NAME)"])
    assert list(told.command) == ["run", "x", "$(OTHER)"]
    assert list(told.args) == ["$(NAME)"]
    assert told.metadata.attempt == 2
    assert told.log_path == "web/2.log"
    assert told.labels["io.kubernetes.pod.uid"] == "u1"


def test_security_of_the_container_wins_over_the_pods(pod: MakePod) -> None:
    spec = {"securityContext": {"runAsUser": 1000, "runAsGroup": 1001, "fsGroup": 2000, "supplementalGroups": [7]}}
    told = _container(pod, spec, securityContext={
        "runAsUser": 5, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
    }).linux.security_context  # fmt: skip
    assert (told.run_as_user.value, told.run_as_group.value) == (5, 1001)
    assert list(told.supplemental_groups) == [7, 2000]
    assert list(told.capabilities.drop_capabilities) == ["ALL"]
    assert told.readonly_rootfs
    assert told.no_new_privs
    assert "/proc/kcore" in told.masked_paths


@pytest.mark.parametrize(
    ("pod_says", "container_says", "expected"),
    [
        (None, None, cri.SecurityProfile.Unconfined),
        ("RuntimeDefault", None, cri.SecurityProfile.RuntimeDefault),
        ("RuntimeDefault", "Unconfined", cri.SecurityProfile.Unconfined),
        (None, "RuntimeDefault", cri.SecurityProfile.RuntimeDefault),
    ],
)
def test_the_kernels_calls_are_limited_as_the_container_says_or_else_the_pod(
    pod: MakePod, pod_says: str | None, container_says: str | None, expected: int
) -> None:
    def context(says: str | None) -> Json:
        return {"seccompProfile": {"type": says}} if says else {}

    told = _container(pod, {"securityContext": context(pod_says)}, securityContext=context(container_says))
    assert told.linux.security_context.seccomp.profile_type == expected


def test_a_privileged_container_sees_everything(pod: MakePod) -> None:
    told = _container(pod, securityContext={"privileged": True}).linux.security_context
    assert told.privileged
    assert not told.masked_paths
    assert not told.no_new_privs


@pytest.mark.parametrize(
    ("context", "user", "words"),
    [
        ({"runAsNonRoot": True}, "", "will run as root"),
        ({"runAsNonRoot": True}, "www", "non-numeric user"),
        ({"runAsNonRoot": True, "runAsUser": 0}, "5", "breaks non-root policy"),
        ({"runAsNonRoot": True}, "5", ""),
        ({"runAsNonRoot": True, "runAsUser": 3}, "", ""),
        ({}, "", ""),
    ],
)
def test_a_container_that_must_not_be_root_is_checked(pod: MakePod, context: Json, user: str, words: str) -> None:
    made = pod(securityContext=context)
    image = Image("sha256:1", ("i",), 1, user)
    if not words:
        security_context.check_non_root(made, made.spec.containers[0], image)
        return
    with pytest.raises(ConfigError, match=words):
        security_context.check_non_root(made, made.spec.containers[0], image)


def test_namespaces_follow_the_spec(pod: MakePod) -> None:
    def options(**spec: object) -> cri.NamespaceOption:
        config = container_config.sandbox_config(pod(**spec), 0, ResolvConf())
        return config.linux.security_context.namespace_options

    assert options() == cri.NamespaceOption(pid=cri.CONTAINER, userns_options=cri.UserNamespace(mode=cri.NODE))
    assert options(shareProcessNamespace=True).pid == cri.POD
    host = options(hostNetwork=True, hostPID=True, hostIPC=True)
    assert (host.network, host.pid, host.ipc) == (cri.NODE, cri.NODE, cri.NODE)


def test_host_ports_are_mapped_unless_the_pod_is_on_the_nodes_network(pod: MakePod) -> None:
    ports = [{"containerPort": 80, "hostPort": 8080, "protocol": "UDP"}, {"containerPort": 81}]
    spec = {"containers": [{"name": "web", "image": "i", "ports": ports}]}
    config = container_config.sandbox_config(pod(**spec), 0, ResolvConf())
    assert list(config.port_mappings) == [cri.PortMapping(protocol=cri.UDP, container_port=80, host_port=8080)]
    assert config.hostname == "a"
    host = container_config.sandbox_config(pod(hostNetwork=True, **spec), 0, ResolvConf())
    assert not host.port_mappings
    assert host.hostname == ""


def test_the_runtime_is_told_the_pods_resolv_conf(pod: MakePod) -> None:
    conf = ResolvConf(("10.96.0.10",), ("a.b", "b"), ("ndots:5",))
    told = container_config.sandbox_config(pod(), 0, conf).dns_config
    assert (list(told.servers), list(told.searches), list(told.options)) == (["10.96.0.10"], ["a.b", "b"], ["ndots:5"])


def test_settings_of_the_kernel_are_named_with_dots(pod: MakePod) -> None:
    asked = [{"name": "kernel.shm_rmid_forced", "value": "1"}, {"name": "net/ipv4/tcp_rmem", "value": "1 2 3"}]
    made = container_config.sandbox_config(pod(securityContext={"sysctls": asked}), 0, ResolvConf())
    assert made.linux.sysctls == {"kernel.shm_rmid_forced": "1", "net.ipv4.tcp_rmem": "1 2 3"}


MANAGED = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
10.244.1.2\t{}
"""
ALIASES = [{"ip": "192.0.2.9", "hostnames": ["db", "db.local"]}, {"ip": "192.0.2.8", "hostnames": ["cache"]}]
ADDED = "\n# Entries added by HostAliases.\n192.0.2.9\tdb\tdb.local\n192.0.2.8\tcache\n"
OF_NODE = "# Kubernetes-managed hosts file (host network).\n192.0.2.7 n1\n"


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, MANAGED.format("a")),
        ({"hostname": "web"}, MANAGED.format("web")),
        ({"subdomain": "db"}, MANAGED.format("a.db.default.svc.cluster.local\ta")),
        ({"hostAliases": ALIASES}, MANAGED.format("a") + ADDED),
        ({"hostNetwork": True}, OF_NODE),
        ({"hostNetwork": True, "hostAliases": ALIASES}, OF_NODE + ADDED),
    ],
)
def test_the_hosts_file_is_as_kubernetes_writes_it(pod: MakePod, spec: Json, text: str) -> None:
    assert dns.hosts_file(pod(**spec), ["10.244.1.2"], "192.0.2.7 n1\n") == text


@pytest.mark.parametrize("name", ["a" * 253, "a" * 62 + "." + "b" * 190, "a" * 62 + "-b"])
def test_names_of_any_length_make_directories_and_hostnames_that_can_be(pod: MakePod, name: str) -> None:
    uid = "0f4a3c5e-7d1e-4f6b-9d5c-2f2a1b3c4d5e"
    made = pod(meta={"name": name, "namespace": "n" * 63, "uid": uid})
    directory = log_files.log_directory(made).name
    assert len(directory) <= 255
    assert directory.startswith("n" * 63 + "_" + name[:60])
    assert directory.endswith(f"_{uid}")
    assert len(dns.hostname(made)) <= 63
    assert not dns.hostname(made).endswith(("-", "."))


@pytest.mark.parametrize(
    ("spec", "kernel", "hosts"),
    [
        (
            {"subdomain": "d", "setHostnameAsFQDN": True},
            "a.d.default.svc.cluster.local",
            "a.d.default.svc.cluster.local\ta",
        ),
        ({"subdomain": "d"}, "a", "a.d.default.svc.cluster.local\ta"),
        ({"setHostnameAsFQDN": True}, "a", "a"),
        ({"hostname": "h", "subdomain": "d", "hostnameOverride": "own.example"}, "own.example", "own.example"),
    ],
)
def test_a_pod_has_the_name_that_it_says(pod: MakePod, spec: dict[str, object], kernel: str, hosts: str) -> None:
    made = pod(**spec)
    assert dns.kernel_name(made) == kernel
    assert dns.hosts_file(made, ["10.244.0.9"], "").endswith(f"10.244.0.9\t{hosts}\n")
    assert not dns.why_too_long(made)


def test_a_full_name_that_the_kernel_does_not_take_is_told(pod: MakePod) -> None:
    told = dns.why_too_long(pod(hostname="h" * 40, subdomain="d" * 20, setHostnameAsFQDN=True))
    assert "is too long (64 characters is the max, 87 characters requested)" in told


def test_a_profile_of_the_node_is_found_by_its_path(pod: MakePod) -> None:
    asked = {"seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/audit.json"}}
    told = _container(pod, {"securityContext": asked}).linux.security_context.seccomp
    assert told.profile_type == cri.SecurityProfile.Localhost
    assert told.localhost_ref == "/kubelet/seccomp/profiles/audit.json"


def test_a_pod_with_users_of_its_own_has_them_in_its_sandbox_and_containers_and_their_files(pod: MakePod) -> None:
    made = pod(hostUsers=False)
    mapped = cri.IDMapping(host_id=65536, length=65536)
    users = cri.UserNamespace(mode=cri.POD, uids=[mapped], gids=[mapped])
    sandbox = container_config.sandbox_config(made, 0, ResolvConf(), users)
    told = container_config.container_config(
        made,
        made.spec.containers[0],
        container_config.ContainerAttempt(0, 0),
        environment={},
        mounts=[cri.Mount(container_path="/data")],
        memory=NodeMemory(4 * GIB),
        seccomp=SECCOMP,
        users=users,
    )
    for each in (sandbox, told):
        assert each.linux.security_context.namespace_options.userns_options == users
    assert (list(told.mounts[0].uid_mappings), list(told.mounts[0].gid_mappings)) == ([mapped], [mapped])


def test_other_pods_have_the_hosts_users(pod: MakePod) -> None:
    sandbox = container_config.sandbox_config(pod(), 0, ResolvConf())
    assert sandbox.linux.security_context.namespace_options.userns_options.mode == cri.NODE


def test_of_proc_nothing_is_masked_where_the_pod_asks_for_it(pod: MakePod) -> None:
    told = _container(pod, {"hostUsers": False}, securityContext={"procMount": "Unmasked"}).linux.security_context
    assert not told.masked_paths
    assert not told.readonly_paths
    usual = _container(pod, securityContext={"procMount": "Default"}).linux.security_context
    assert "/proc/kcore" in usual.masked_paths


def test_who_asks_for_no_profile_has_the_nodes_default(pod: MakePod) -> None:
    filtering = SeccompProfiles(Path("/kubelet/seccomp"), "RuntimeDefault")
    asked = {"seccompProfile": {"type": "Unconfined"}}
    told = [
        _container(pod, spec, seccomp=filtering).linux.security_context.seccomp.profile_type
        for spec in (None, {"securityContext": asked})
    ]
    assert told == [cri.SecurityProfile.RuntimeDefault, cri.SecurityProfile.Unconfined]


def test_profiles_of_apparmor_and_strict_groups_are_the_runtimes_to_give(pod: MakePod) -> None:
    guarded = {"appArmorProfile": {"type": "Localhost", "localhostProfile": "k8s-deny-write"}}
    told = _container(pod, {"securityContext": {"supplementalGroupsPolicy": "Strict"}}, securityContext=guarded)
    security = told.linux.security_context
    assert (security.apparmor.profile_type, security.apparmor.localhost_ref) == (2, "k8s-deny-write")
    assert security.supplemental_groups_policy == cri.Strict
    assert not _container(pod).linux.security_context.HasField("apparmor")
