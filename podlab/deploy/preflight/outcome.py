"""What preflight found, as one value that survives the way from the playbook to whoever asked for it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from podlab.deploy.preflight.finding import Finding, Severity
from podlab.deploy.preflight.hosts.facts import Facts, Host, Unusable, parse_facts


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How Ansible speaks to a host, with everything filled in: variables, settings and options."""

    plugin: str
    host: str
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    arguments: tuple[str, ...] = ()
    """Lines of options for ssh."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one host answered: `printed` by the probe between two moments of the controller's clock, or `unusable`."""

    connection: Connection
    printed: Mapping[str, Any] | None = None
    sent_at: float = 0.0
    received_at: float = 0.0
    unusable: Unusable | None = None

    def facts(self) -> Facts | Unusable:
        if self.printed is None:
            return self.unusable or Unusable("nothing was heard of it", "run again with -vvv")
        return parse_facts(self.printed, sent_at=self.sent_at, received_at=self.received_at)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    hosts: Sequence[Host]
    seen: Mapping[str, Seen]
    findings: Sequence[Finding]

    def facts(self) -> dict[str, Facts | Unusable]:
        """Of every host by its name; empty when the inventory was not good enough to ask any."""
        return {name: seen.facts() for name, seen in self.seen.items()}


def seen_to_json(seen: Seen) -> dict[str, Any]:
    return asdict(seen)


def seen_from_json(content: Mapping[str, Any]) -> Seen:
    connection = dict(content["connection"])
    unusable = content["unusable"]
    return Seen(
        connection=Connection(**{**connection, "arguments": tuple(connection["arguments"])}),
        printed=content["printed"],
        sent_at=content["sent_at"],
        received_at=content["received_at"],
        unusable=Unusable(**unusable) if unusable else None,
    )


def dump(outcome: Outcome) -> str:
    hosts = [{**asdict(host), "groups": sorted(host.groups)} for host in outcome.hosts]
    return json.dumps(
        {
            "hosts": hosts,
            "seen": {name: seen_to_json(seen) for name, seen in outcome.seen.items()},
            "findings": [asdict(finding) for finding in outcome.findings],
        }
    )


def load(text: str) -> Outcome:
    content = json.loads(text)
    return Outcome(
        hosts=tuple(Host(**{**host, "groups": frozenset(host["groups"])}) for host in content["hosts"]),
        seen={name: seen_from_json(seen) for name, seen in content["seen"].items()},
        findings=tuple(
            Finding(**{**finding, "severity": Severity(finding["severity"])}) for finding in content["findings"]
        ),
    )
