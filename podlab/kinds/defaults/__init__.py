"""What an object gets when its author left it out, as Kubernetes documents it. Functions change the message given.

- `inherit`: what an update takes over from the object that it replaces: identity and allocated addresses.
- `quantities`: amounts in the form in which they are stored, before anything looks at them.
- Others: what big kinds get, and what several kinds get alike. A small kind's defaults stand in its own file.
"""

from __future__ import annotations

from google.protobuf.message import Message

from podlab.kinds.defaults.inherit import inherit as _inherit
from podlab.kinds.defaults.quantities import settle

__all__ = ["apply", "inherit", "settle"]


def apply(message: Message) -> None:
    from podlab.kinds import known

    known.resource(message).strategy.set_defaults(message)


def inherit(new: Message, old: Message) -> None:
    from podlab.kinds import known

    _inherit(new, old)
    known.resource(new).strategy.inherit(new, old)
