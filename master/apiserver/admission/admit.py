"""What may refuse a write by its contents, beyond validation: who writes matters here."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message

from master.apiserver.authentication.user import User

Admit = Callable[[Message | None, Message | None], None]
"""Takes the object as it would be stored and as it is: None is no object. Raises Forbidden."""


def admit_all(new: Message | None, old: Message | None) -> None:
    """Everybody may write what is valid."""


def all_of(*admissions: Callable[[User], Admit]) -> Callable[[User], Admit]:
    """For each user, what asks all of them in turn."""

    def admission_of(user: User) -> Admit:
        judges = [judge for judge in (admission(user) for admission in admissions) if judge is not admit_all]

        def admit(new: Message | None, old: Message | None) -> None:
            for judge in judges:
                judge(new, old)

        return admit if judges else admit_all

    return admission_of
