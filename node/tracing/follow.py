"""Follows an imaginary packet through tables: each rule that it meets, and every place where it can land. Pure.

The first packet of a flow alone meets all of them. Tests follow rules as they are rendered, `podlab trace` those that
the kernel has: it is the same function.
https://wiki.nftables.org/wiki-nftables/index.php/Netfilter_hooks
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

from node.tracing import effects
from node.tracing.effects import Effect, End, LookUp, SendTo, SetMark, To, Unknown
from node.tracing.iptables_rules import rule_of as iptables_rule
from node.tracing.matches import Chance, Member, Remembered, key_of, look_up
from node.tracing.nftables_rules import rule_of as nftables_rule
from node.tracing.packet import Packet
from node.tracing.rule import Rule
from node.tracing.tables import NAT, NFTABLES, Line, Table, TableKey
from podlab.api.values.ipfamilies import with_port, without_port

ARRIVES, DROPPED, REJECTED = "arrives", "dropped", "rejected"
_DEEPEST = 64  # chains within chains; the kernel allows 16 jumps


@dataclass(frozen=True)
class Surroundings:
    """Of the node: its own addresses, and through which interface networks are reached."""

    addresses: frozenset[str] = frozenset()
    interfaces: Mapping[str, str] = field(default_factory=dict)

    def going_out(self, address: str) -> str:
        """The interface of the narrowest network that holds the address; empty where none is known."""
        found = [each for each in map(ip_network, self.interfaces) if ip_address(address) in each]
        return self.interfaces[str(max(found, key=lambda each: each.prefixlen))] if found else ""


@dataclass
class Step:
    """A rule that the packet meets and that is about it. `odds` is how likely a packet is to come so far and match;
    `uncertain`: nobody here can judge whether it matches.
    """

    hook: str
    table: Table
    chain: str
    index: int  # from 0
    line: Line
    rule: Rule
    packet: Packet
    odds: float = 0.0
    uncertain: bool = False


@dataclass(frozen=True)
class Landing:
    """Where the packet ends, and how likely that is. 0: only where the client is remembered. `by` is the rule that
    ended its way, or that sent it there; `met` is how many rules were tried on its way, whether they matched or not.
    """

    packet: Packet
    odds: float
    verdict: str
    masqueraded: bool = False
    by: Step | None = None
    met: int = 0


@dataclass
class Followed:
    """`visited` are the chains that the packet came through, and `asked` what was looked up in sets and maps on the
    way: the set's key, and the element.
    """

    steps: list[Step] = field(default_factory=list)
    landings: list[Landing] = field(default_factory=list)
    visited: dict[TableKey, Table] = field(default_factory=dict)
    asked: dict[tuple[TableKey, tuple[str, ...]], None] = field(default_factory=dict)

    @property
    def met(self) -> int:
        """How many rules one packet meets at most."""
        return max((each.met for each in self.landings), default=0)

    @property
    def endpoints(self) -> list[str]:
        """The places to which rules send it, each once."""
        return list(dict.fromkeys(each.packet.place for each in self.landings if each.packet.translated))

    @property
    def masqueraded(self) -> bool:
        return any(each.masqueraded for each in self.landings)

    @property
    def rejected(self) -> bool:
        return any(each.verdict == REJECTED for each in self.landings)

    @property
    def dropped(self) -> bool:
        return any(each.verdict == DROPPED for each in self.landings)


@dataclass(frozen=True)
class _Way:
    """A packet as far as it has come. `translated_by` is the step that changed its destination."""

    packet: Packet
    odds: float = 1.0
    masqueraded: bool = False
    done: bool = False  # nothing more is translated at this hook
    translated_by: Step | None = None
    met: int = 0


@dataclass
class _After:
    """What becomes of ways in a chain: those that fall off its end, and those that are done with the base chain."""

    fallen: list[_Way] = field(default_factory=list)
    passed: list[_Way] = field(default_factory=list)


def follow(tables: Iterable[Table], packet: Packet, around: Surroundings | None = None) -> Followed:
    """Raises ValueError when an address of the packet is none."""
    walk = _Walk(tuple(tables), around or Surroundings(), Followed())
    ip_address(packet.source), ip_address(packet.destination)
    ways = walk.hook("output" if packet.from_node else "prerouting", [_Way(packet)])
    for way in ways:
        walk.land(way)
    return walk.found


@dataclass
class _Walk:
    tables: Sequence[Table]
    around: Surroundings
    found: Followed
    steps: dict[tuple[str, int, str, int], Step] = field(default_factory=dict)
    noted: int = -1  # where the last step stands

    def land(self, way: _Way) -> None:
        """From the routing decision to the packet's end."""
        to_node = way.packet.local
        out = "lo" if to_node else self.around.going_out(way.packet.destination)
        ways = [replace(way, packet=replace(way.packet, going_out="" if to_node else out))]
        if way.packet.from_node:
            ways = self.hook("postrouting", ways)
        if to_node:
            ways = self.hook("input", ways)
        elif not way.packet.from_node:
            ways = self.hook("postrouting", self.hook("forward", ways))
        for each in ways:
            landing = Landing(each.packet, each.odds, ARRIVES, each.masqueraded, each.translated_by, each.met)
            self.found.landings.append(landing)

    def hook(self, name: str, ways: list[_Way]) -> list[_Way]:
        """All base chains of the hook, one after another; what comes out of them."""
        ways = [replace(way, done=False) for way in ways]
        for table, chain in self._base_chains(name, ways[0].packet if ways else None):
            hook = table.chains[chain].hook
            assert hook is not None
            done = [way for way in ways if way.done and hook.kind == NAT]
            after = self._chain(name, table, chain, [way for way in ways if way not in done], 0)
            if hook.policy == "drop":
                self._end(after.fallen, DROPPED, None)
                after.fallen = []
            ways = [*done, *after.fallen, *after.passed]
        return ways

    def _base_chains(self, name: str, packet: Packet | None) -> list[tuple[Table, str]]:
        if packet is None:
            return []
        families = ("ip6", "inet") if ":" in packet.destination else ("ip", "inet")
        found = [
            (chain.hook.priority, table, chain_name)
            for table in self.tables
            if table.family in families
            for chain_name, chain in table.chains.items()
            if chain.hook is not None and chain.hook.name == name
        ]
        return [(table, chain) for _, table, chain in sorted(found, key=lambda each: each[0])]

    def _chain(self, hook: str, table: Table, chain: str, ways: list[_Way], depth: int) -> _After:
        after = _After()
        self.found.visited.setdefault(table.key(chain), table)
        for index, line in enumerate(table.chains[chain].lines):
            if not ways:
                break
            rule = nftables_rule(line.text) if table.program == NFTABLES else iptables_rule(line.text)
            going_on: list[_Way] = []
            for way in ways:
                way = replace(way, met=way.met + 1)
                step = Step(hook, table, chain, index, line, rule, way.packet)
                self.found.asked.update(dict.fromkeys(_asked(step)))
                going_on += self._rule(step, way, after, depth)
            ways = going_on
        after.fallen += ways
        return after

    def _rule(self, step: Step, way: _Way, after: _After, depth: int) -> list[_Way]:
        """What goes on to the next rule."""
        maps = step.table.maps
        held = {match: match.holds(way.packet, maps) for match in step.rule.matches}
        if False in held.values() or self._finds_nothing(step, way.packet):
            return [way]
        unknown = [match for match, holds in held.items() if holds is None]
        if any(not isinstance(match, Remembered) for match in unknown):
            self._note(step, 0.0, uncertain=True)
            return [way]
        share = 1.0
        for match in step.rule.matches:
            share *= match.share if isinstance(match, Chance) else 0.0 if isinstance(match, Remembered) else 1.0
        step = self._note(step, way.odds * share, uncertain=bool(unknown))
        hit = replace(way, odds=way.odds * share)
        missed = [replace(way, odds=way.odds * (1 - share))] if share < 1 else []
        return [*self._do(step, [hit], after, depth), *missed]

    def _finds_nothing(self, step: Step, packet: Packet) -> bool:
        looks = [each for each in step.rule.effects if isinstance(each, LookUp)]
        return any(_looked_up(each, packet, step.table) is None for each in looks)

    def _do(self, step: Step, ways: list[_Way], after: _After, depth: int) -> list[_Way]:
        """The rule's effects; what goes on to the next rule."""
        for effect in step.rule.effects:
            ways = [on for way in ways for on in self._one(step, effect, way, after, depth)]
        return ways

    def _one(self, step: Step, effect: Effect, way: _Way, after: _After, depth: int) -> Iterator[_Way]:
        if isinstance(effect, SetMark):
            mark = way.packet.mark & ~effect.clear ^ effect.flip
            yield replace(way, packet=replace(way.packet, mark=mark))
        elif isinstance(effect, SendTo):
            after.passed += [self._sent(step, way, place, len(effect.places)) for place in effect.places]
        elif isinstance(effect, LookUp):
            value = _looked_up(effect, way.packet, step.table) or ""
            if effect.endpoints:
                after.passed.append(self._sent(step, way, with_port(*value.split(" . ")), 1))
            else:
                yield from self._one(step, _verdict(value), way, after, depth)
        elif isinstance(effect, To):
            yield from self._lead(step, effect, way, after, depth)
        elif isinstance(effect, End):
            self._finish(step, effect, way, after)
        elif isinstance(effect, Unknown):
            step.uncertain = True
            yield way
        else:
            yield way

    def _lead(self, step: Step, to: To, way: _Way, after: _After, depth: int) -> Iterator[_Way]:
        for chain in to.chains:
            branch = replace(way, odds=way.odds / len(to.chains))
            if chain not in step.table.chains or depth > _DEEPEST:
                step.uncertain = True
                yield branch
                continue
            inner = self._chain(step.hook, step.table, chain, [branch], depth + 1)
            after.passed += inner.passed
            if to.stays:
                after.fallen += inner.fallen
            else:
                yield from inner.fallen

    def _finish(self, step: Step, end: End, way: _Way, after: _After) -> None:
        if end.verdict == effects.RETURN:
            after.fallen.append(way)
        elif end.verdict == effects.DROP:
            self._end([way], DROPPED, step)
        elif end.verdict == effects.REJECT:
            self._end([way], REJECTED, step)
        elif end.verdict == effects.ACCEPT:
            after.passed.append(way)
        else:
            after.passed.append(replace(way, masqueraded=True, done=True))

    def _end(self, ways: Iterable[_Way], verdict: str, by: Step | None) -> None:
        self.found.landings += [Landing(way.packet, way.odds, verdict, way.masqueraded, by, way.met) for way in ways]

    def _sent(self, step: Step, way: _Way, place: str, among: int) -> _Way:
        address, port = without_port(place) if ":" in place else (place, "")
        local = address in self.around.addresses
        packet = replace(
            way.packet, destination=address, port=int(port or way.packet.port), local=local, translated=True
        )
        return replace(way, packet=packet, odds=way.odds / among, done=True, translated_by=step)

    def _note(self, step: Step, odds: float, *, uncertain: bool) -> Step:
        """Each rule is one step, however many ways come by."""
        key = (step.hook, id(step.table), step.chain, step.index)
        known = self.steps.setdefault(key, step)
        if known is step:
            self.found.steps.insert(self.noted + 1, step)  # behind what came before it on its own way
        self.noted = next(at for at, each in enumerate(self.found.steps) if each is known)
        known.odds += odds
        known.uncertain = known.uncertain or uncertain
        return known


def _asked(step: Step) -> Iterator[tuple[TableKey, tuple[str, ...]]]:
    for each in (*step.rule.matches, *step.rule.effects):
        if isinstance(each, Member | LookUp) and each.name:
            values = key_of(each.fields, step.packet)
            if values is not None:
                yield step.table.key(each.name), tuple(values)


def _looked_up(effect: LookUp, packet: Packet, table: Table) -> str | None:
    values = key_of(effect.fields, packet)
    elements = dict(effect.elements) if effect.elements else table.maps.get(effect.name, {})
    return look_up(elements, values) if values is not None else None


def _verdict(text: str) -> Effect:
    word, _, chain = text.partition(" ")
    return To((chain,), stays=word == "goto") if word in ("goto", "jump") else End(word)
