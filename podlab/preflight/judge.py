"""Preflight's verdict: every finding about every host, from what is known of all of them."""

from collections.abc import Mapping, Sequence

from podlab.preflight.checks import check_host
from podlab.preflight.earlier import found_networks
from podlab.preflight.facts import Facts, Host, Unusable
from podlab.preflight.findings import Finding, Severity, error
from podlab.preflight.together import check_together


def judge(hosts: Sequence[Host], facts: Mapping[str, Facts | Unusable], ways: Sequence[Finding] = ()) -> list[Finding]:
    """All findings, `ways` being what their tries of each other's ports gave: errors before warnings."""
    reached: dict[str, Facts] = {}
    findings: list[Finding] = []
    for host in hosts:
        match facts[host.name]:
            case Unusable(cause, remedy):
                findings.append(error(host.name, "connection", cause, remedy))
            case Facts() as known:
                reached[host.name] = known
                findings.extend(check_host(host, known))
    findings.extend([*check_together(hosts, reached), *found_networks(hosts, reached), *ways])
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
