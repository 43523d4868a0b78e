"""Preflight's verdict: every finding about every host, from what is known of all of them."""

from collections.abc import Mapping, Sequence

from podlab.deploy.preflight.checks.cluster import check_cluster
from podlab.deploy.preflight.checks.existing import found_name, found_networks, found_releases
from podlab.deploy.preflight.checks.host import check_host
from podlab.deploy.preflight.checks.loadbalancers import check_pool_on_hosts
from podlab.deploy.preflight.checks.masters import check_masters_on_hosts
from podlab.deploy.preflight.finding import Finding, Severity, error
from podlab.deploy.preflight.hosts.facts import Facts, Host, Unusable
from podlab.deploy.release.jumps import ReleaseVersion


def judge(
    hosts: Sequence[Host],
    facts: Mapping[str, Facts | Unusable],
    ports: Sequence[Finding] = (),
    release: ReleaseVersion | None = None,
    *,
    migrates: bool = False,
) -> list[Finding]:
    """All findings, `ports` being what their tries of each other's ports gave, and `release` the one that they are to
    run: errors before warnings. `migrates`: the store is moved to where the inventory has it.
    """
    reached: dict[str, Facts] = {}
    findings: list[Finding] = []
    for host in hosts:
        match facts[host.name]:
            case Unusable(cause, remedy):
                findings.append(error(host.name, "connection", cause, remedy))
            case Facts() as known:
                reached[host.name] = known
                findings.extend(check_host(host, known))
    findings.extend([*check_cluster(hosts, reached), *found_name(hosts, reached), *found_networks(hosts, reached)])
    if release is not None:
        findings.extend(found_releases(hosts, reached, release))
    findings.extend(check_masters_on_hosts(hosts, reached, migrates=migrates))
    findings.extend([*check_pool_on_hosts(hosts, reached), *ports])
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
