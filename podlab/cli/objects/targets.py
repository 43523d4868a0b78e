"""Which objects a command line names: `pods`, `pods,svc`, `pod a b`, `pod/a svc/b`, `all`."""

from collections.abc import Sequence
from dataclasses import dataclass

from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.cli.discovery import LoadCatalog
from podlab.cli.failures import CommandError
from podlab.errors import NotFound
from podlab.kinds import builtin


@dataclass(frozen=True)
class Target:
    """All objects of a kind, or the one with this name."""

    kind: Kind
    name: str = ""

    @property
    def version(self) -> str:
        """The version that custom objects are to be shown in."""
        return self.kind.version if self.kind.message is Custom else ""

    def __str__(self) -> str:
        return f"{reference(self.kind)}/{self.name}"


def reference(kind: Kind) -> str:
    """As messages name an object's kind: pod, deployment.apps."""
    return f"{kind.singular}.{kind.group}" if kind.group else kind.singular


def parse(words: Sequence[str], more: LoadCatalog = builtin.catalog) -> list[Target]:
    """Raises CommandError for what makes no sense; also for a kind that does not exist. `more` is asked for words that
    name no built-in kind, and for categories, to which custom kinds belong, too."""
    if not words:
        raise CommandError("say what: KIND [NAME...], such as `pods` or `deployment web` (`podlab api-resources`)")
    if any("/" in word for word in words):
        return [_slashed(word, more) for word in words]
    listed = [kind for word in words[0].split(",") for kind in _kinds(word, more)]
    names = words[1:]
    if not names:
        return [Target(kind) for kind in listed]
    return [Target(kind, name) for kind in listed for name in names]


def one(words: Sequence[str], command: str) -> Target:
    """The single named object that `command` works on."""
    targets = parse(words)
    if len(targets) != 1 or not targets[0].name:
        raise CommandError(f"`podlab {command}` takes one object: KIND NAME or KIND/NAME, found {' '.join(words)!r}")
    return targets[0]


def _slashed(word: str, more: LoadCatalog) -> Target:
    kind, slash, name = word.partition("/")
    if not slash or not kind or not name or "/" in name:
        raise CommandError(f"{word!r}: there may be no mix of KIND/NAME with other forms")
    return Target(_resolved(kind, more), name)


def _kinds(word: str, more: LoadCatalog) -> list[Kind]:
    try:
        return [builtin.catalog().resolve(word)]
    except NotFound:
        return more().in_category(word) or [_resolved(word, more)]


def _resolved(word: str, more: LoadCatalog) -> Kind:
    for known in (builtin.catalog, more):
        try:
            return known().resolve(word)
        except NotFound as error:
            message = error.message
    raise CommandError(f"{message} (`podlab api-resources` lists them)")
