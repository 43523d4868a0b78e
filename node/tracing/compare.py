"""What stands on a packet's way and should not, or does not stand there and should. Pure.

Only what the packet meets is compared, by the rules as they are and by those that are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from node.tracing import effects
from node.tracing.effects import End, LookUp, SendTo
from node.tracing.follow import Followed, Step
from node.tracing.matches import look_up
from node.tracing.nftables_rules import rule_of
from node.tracing.tables import NFTABLES, Line, Table, TableKey

MISSING, FOREIGN, DIFFERENT = "missing", "foreign", "different"
CHAINS = "PODLAB-"
TABLES = ("podlab", "podlab-policy")


@dataclass(frozen=True)
class Finding:
    """`kind` is MISSING, FOREIGN or DIFFERENT; `where` names table and chain, `what` is a rule or an element."""

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"


def is_ours(key: TableKey) -> bool:
    """Whether nobody but Podlab writes there."""
    language, _, table, name = key
    return table in TABLES if language == NFTABLES else name.startswith(CHAINS)


def is_foreign(step: Step) -> bool:
    """Whether the rule is another program's."""
    if is_ours(step.table.key(step.chain)):
        return False
    leads = step.rule.leads_to
    return not (leads and all(is_ours(step.table.key(chain)) for chain in leads))


def findings(live: Sequence[Table], wanted: Sequence[Table], found: Followed, wished: Followed) -> list[Finding]:
    """`found` is the packet's way through the live tables, `wished` that through those wanted."""
    keys = {**wished.visited, **found.visited}
    asked = {**wished.asked, **found.asked}
    every = [
        *(each for key in keys for each in _chain(key, live, wanted)),
        *(each for key, values in asked if is_ours(key) for each in _element(key, list(values), live, wanted)),
        *(_foreign(step) for step in found.steps if is_foreign(step) and _interferes(step)),
    ]
    return list(dict.fromkeys(every))


def _chain(key: TableKey, live: Sequence[Table], wanted: Sequence[Table]) -> Iterator[Finding]:
    should, standing = next(_of(wanted, key), None), list(_of(live, key))
    where = _where(key, standing[0] if standing else None)
    if should is None:
        # With no wish for the table at all we know nothing of it: another component of ours writes there.
        if is_ours(key) and any(table.key(key[-1])[:3] == key[:3] for table in wanted):
            yield Finding(FOREIGN, where, "the chain should not be there")
    elif not standing:
        rules = len(should.chains[key[-1]].lines)
        yield Finding(MISSING, where, f"the chain is not there, nor are its {rules} rules")
    else:
        # iptables' two programs may both have a table of the name.
        present = [line for table in standing for line in table.chains[key[-1]].lines]
        yield from _lines(key, where, should.chains[key[-1]].lines, present)


def _lines(key: TableKey, where: str, should: Iterable[Line], stands: Iterable[Line]) -> Iterator[Finding]:
    wanted, present = _meanings(key, should), _meanings(key, stands)
    for meaning, text in wanted.items():
        if meaning not in present:
            yield Finding(MISSING, where, text)
    if not is_ours(key):
        return
    for meaning, text in present.items():
        if meaning not in wanted:
            yield Finding(FOREIGN, where, text)
    if wanted.keys() == present.keys() and list(wanted) != list(present):
        yield Finding(DIFFERENT, where, "the rules are in another order than they should be")


def _meanings(key: TableKey, lines: Iterable[Line]) -> dict[object, str]:
    """nft writes a rule in other words than we do: what it means is compared. iptables-save prints what we write."""
    if key[0] == NFTABLES:
        return {rule_of(line.text): line.text for line in lines}
    return {line.text: line.text for line in lines}


def _element(key: TableKey, values: list[str], live: Sequence[Table], wanted: Sequence[Table]) -> Iterator[Finding]:
    should, stands = _map(wanted, key), _map(live, key)
    if should is None:
        return
    expected = look_up(should.maps[key[-1]], values)
    found = look_up(stands.maps[key[-1]], values) if stands is not None else None
    element, where = " . ".join(values), _where(key, stands)
    if expected == found:
        return
    if found is None:
        yield Finding(MISSING, where, f"{element} : {expected}" if expected else element)
    elif expected is None:
        yield Finding(FOREIGN, where, f"{element} : {found}" if found else element)
    else:
        yield Finding(DIFFERENT, where, f"{element} : {found}, and should be {expected}")


def _of(tables: Sequence[Table], key: TableKey) -> Iterator[Table]:
    return (table for table in tables if table.key(key[-1]) == key and key[-1] in table.chains)


def _map(tables: Sequence[Table], key: TableKey) -> Table | None:
    return next((table for table in tables if table.key(key[-1]) == key and key[-1] in table.maps), None)


def _where(key: TableKey, table: Table | None) -> str:
    if table is not None:
        return f"{table} {key[-1]}"
    language, family, name, chain = key
    return " ".join([language, *([family] if language == NFTABLES else []), name, chain])


def _interferes(step: Step) -> bool:
    """Accepting is left out: most hosts' rules do that, and it changes nothing for what is let pass anyway."""
    turning = (End, SendTo, LookUp)
    done = [each for each in step.rule.effects if isinstance(each, turning)]
    harmless = (effects.ACCEPT, effects.RETURN)
    return any(not (isinstance(each, End) and each.verdict in harmless) for each in done)


def _foreign(step: Step) -> Finding:
    what = f"{step.line.text}  (it may match this packet)" if step.uncertain else step.line.text
    return Finding(FOREIGN, f"{step.table} {step.chain}", what)
