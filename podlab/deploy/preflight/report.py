"""Preflight's outcome for people (one line a host, then the findings) and for programs (JSON)."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict

from podlab.deploy.preflight.finding import Finding, Severity
from podlab.deploy.preflight.hosts.facts import Facts, Unusable
from podlab.deploy.preflight.outcome import Outcome

_GIB = 1 << 30


def has_errors(findings: Sequence[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def as_text(outcome: Outcome) -> str:
    facts = outcome.facts()
    width = max((len(name) for name in facts), default=0)
    lines = [
        f"{host.name:<{width}}  {host.address:<15}  {_summary(facts[host.name])}"
        for host in outcome.hosts
        if host.name in facts
    ]
    for finding in outcome.findings:
        lines.append("")
        lines.append(_wrap(f"{finding.severity}: {finding.host}: ", finding.cause))
        lines.append(_wrap("  remedy: ", finding.remedy))
    lines.extend(["", _outcome(outcome.findings)])
    return "\n".join(lines).lstrip("\n")


def as_json(outcome: Outcome) -> str:
    facts = outcome.facts()
    reached = {name: fact for name, fact in facts.items() if isinstance(fact, Facts)}
    content = {
        "ok": not has_errors(outcome.findings),
        "hosts": [
            {
                "name": host.name,
                "address": host.address,
                "groups": sorted(host.groups),
                "reached": host.name in reached,
                **(_figures(reached[host.name]) if host.name in reached else {}),
            }
            for host in outcome.hosts
        ],
        "findings": [asdict(finding) for finding in outcome.findings],
    }
    return json.dumps(content, indent=2)


def _figures(facts: Facts) -> dict[str, object]:
    return {
        "os": facts.os_name,
        "kernel": facts.kernel,
        "cpus": facts.cpus,
        "memory_bytes": facts.memory_bytes,
        "disk_free_bytes": facts.disk_free_bytes,
    }


def _summary(facts: Facts | Unusable) -> str:
    if isinstance(facts, Unusable):
        return "not usable"
    memory, disk = facts.memory_bytes / _GIB, facts.disk_free_bytes / _GIB
    return f"{facts.os_name}, {facts.cpus} CPUs, {memory:.1f} GiB memory, {disk:.0f} GiB disk free"


def _outcome(findings: Sequence[Finding]) -> str:
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    if not findings:
        return "All hosts are fit. Nothing has been changed on them."
    return f"{_count(errors, 'error')}, {_count(warnings, 'warning')}. Nothing has been changed on the hosts."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _wrap(label: str, text: str) -> str:
    # Long words are commands and paths that someone will copy.
    return textwrap.fill(
        label + text, width=110, subsequent_indent="          ", break_long_words=False, break_on_hyphens=False
    )
