"""The apiserver's settings: /etc/podlab/apiserver.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from podlab import ports
from podlab.tls import Tls


@dataclass(frozen=True)
class AuditSettings:
    """The policy says what is written. A log of `most_bytes` is put aside; `backups` such are kept."""

    policy: Path
    log: Path
    most_bytes: int = 100 << 20
    backups: int = 10


@dataclass(frozen=True)
class PodSecuritySettings:
    """The pod security standards of namespaces whose labels say nothing, and who is exempt from any. Levels are
    privileged, baseline and restricted; versions are latest or as v1.36."""

    enforce: str = "privileged"
    enforce_version: str = "latest"
    audit: str = "privileged"
    audit_version: str = "latest"
    warn: str = "privileged"
    warn_version: str = "latest"
    exempt_users: tuple[str, ...] = ()
    exempt_runtime_classes: tuple[str, ...] = ()
    exempt_namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class FrontProxySettings:
    """PEM files: what this server shows to API servers behind Services, its key, and the authority that has signed it.
    Whoever calls with a certificate of that authority, and one of these names, says for whom."""

    ca: Path
    cert: Path
    key: Path
    allowed_names: tuple[str, ...] = ("front-proxy-client",)


@dataclass(frozen=True)
class EtcdTlsSettings:
    """PEM files: the authority that signed etcd's certificates, and what this server shows where etcd wants it."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class EtcdSettings:
    """An etcd of version 3.4 or newer. `endpoints` are as https://10.0.0.11:2379, one for each member.

    Where etcd has users, `password_file` holds the password of `user`, who may read and write below `prefix`.
    `max_txn_ops` and `max_request_bytes` are as etcd's flags of these names say.
    """

    endpoints: tuple[str, ...]
    tls: EtcdTlsSettings | None = None
    user: str = ""
    password_file: Path | None = None
    prefix: str = "/podlab"
    max_txn_ops: int = 128
    max_request_bytes: int = 1_572_864


@dataclass(frozen=True)
class ApiServerSettings:
    """`advertise_address` is where the cluster finds this server: the endpoint of the `kubernetes` Service.

    Of `service_account_keys`, the first signs tokens; tokens that any of them has signed are good.
    """

    cluster_name: str
    advertise_address: str
    data_dir: Path
    tls: Tls
    service_account_keys: tuple[Path, ...]
    service_account_issuer: str = "https://kubernetes.default.svc.cluster.local"
    token_file: Path | None = None
    bind_address: str = "0.0.0.0"  # noqa: S104  # clients of every network; only certificates of the cluster's CA pass
    port: int = ports.APISERVER
    rest_port: int = ports.REST
    service_cidr: str = "10.96.0.0/16"
    scheduler: str = f"127.0.0.1:{ports.SCHEDULER}"
    controllers: str = f"127.0.0.1:{ports.CONTROLLERS}"
    default_toleration_seconds: int = 300
    compact_keep_revisions: int = 10_000
    audit: AuditSettings | None = None
    pod_security: PodSecuritySettings = PodSecuritySettings()
    front_proxy: FrontProxySettings | None = None
    """Without it, nothing is passed on to API servers behind Services."""
    encryption: Path | None = None
    """A Kubernetes EncryptionConfiguration; without it, nothing is encrypted in the store."""
    backups: Path | None = None
    """Where `podlab-store backup` puts those that are made by the clock: this server's Lease tells of the last."""
    otlp_endpoint: str = ""
    """The collector of OpenTelemetry that is told the ways of pods, as http://host:4317; none without it."""
    etcd: EtcdSettings | None = None
    """What several servers share; without it, the store is a SQLite file in `data_dir`, for this server alone."""
