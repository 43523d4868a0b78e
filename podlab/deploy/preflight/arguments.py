"""A command of whose words only a few are its own: all others are ansible-playbook's, whatever they look like."""

from collections.abc import Mapping
from typing import Any, ClassVar

from typer.core import TyperCommand


class PassingOn(TyperCommand):
    """`own` says which options are the command's, and whether a value follows. What is passed on is in `ctx.args`.

    click's own way to let options pass looks for known letters in the middle of `-eansible_user=ops`.
    """

    own: ClassVar[Mapping[str, bool]] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        mine: list[str] = []
        others: list[str] = []
        words = iter(args)
        for word in words:
            name, _, value = word.partition("=")
            if len(word) > 2 and word[0] != word[1] and self._names().get(word[:2]):  # -iFILE
                name, value = word[:2], word[2:]
            if name not in self._names():
                others.append(word)
                continue
            mine.append(word)
            if self._names()[name] and not value:
                mine += [following for following in [next(words, None)] if following is not None]
        super().parse_args(ctx, mine)
        ctx.args = others
        return others

    def _names(self) -> Mapping[str, bool]:
        return {**self.own, "-h": False, "--help": False}
