"""Review kinds: a question is posted, the answer comes back in its status, and nothing is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from google.protobuf.message import Message

from master.apiserver.authentication.authenticator import Authenticator
from master.apiserver.authentication.jwt import InvalidToken
from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.filters.authorize import AuthorizationFilter
from master.apiserver.watchcache.moment import Moment
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.authentication.v1 import token_pb2, user_pb2
from podlab.authorization.v1 import review_pb2
from podlab.errors import BadRequest, Invalid
from podlab.kinds.validation.cluster import reviews as checks

_GROUPS = ("authentication.k8s.io", "authorization.k8s.io")
Answer = Callable[[User, Any, Moment], Awaitable[None]]
"""Fills in the status of a review that the user has made. Raises Invalid, BadRequest."""


@dataclass(frozen=True, slots=True)
class Reviews:
    """Answers for each review kind."""

    authorization: AuthorizationFilter
    authenticator: Authenticator

    def answers(self, kind: Kind) -> bool:
        """Whether it is a kind of reviews."""
        return kind.name in self._answerers() and kind.group in _GROUPS

    async def answer(self, user: User, review: Message, moment: Moment) -> None:
        """Fills in the status of a review that the user has made. Raises Invalid, BadRequest."""
        await self._answerers()[kinds.of(review).name](user, review, moment)

    def _answerers(self) -> Mapping[str, Answer]:
        access = Access(self.authorization)
        return {
            "SelfSubjectReview": answer_self,
            "SubjectAccessReview": access.of_somebody,
            "LocalSubjectAccessReview": access.of_somebody,
            "SelfSubjectAccessReview": access.of_oneself,
            "SelfSubjectRulesReview": access.rules,
            "TokenReview": self._token,
        }

    async def _token(self, _: User, review: token_pb2.TokenReview, __: Moment) -> None:
        """Whom the token in the review speaks for."""
        if not review.spec.token:
            raise BadRequest("token is required for TokenReview in authentication")
        review.ClearField("status")
        try:
            verdict = await self.authenticator.authenticate_token(review.spec.token, tuple(review.spec.audiences))
        except InvalidToken as error:
            review.status.error = f"the token is not accepted: {error}"
            return
        review.status.authenticated = True
        review.status.user.CopyFrom(user_info(verdict.user))
        review.status.audiences.extend(verdict.audiences)


@dataclass(frozen=True, slots=True)
class Access:
    """Answers what authorization would say."""

    authorization: AuthorizationFilter

    async def of_somebody(
        self, _: User, review: review_pb2.SubjectAccessReview | review_pb2.LocalSubjectAccessReview, moment: Moment
    ) -> None:
        """About the user that the review names."""
        _check(review)
        spec = review.spec
        extra = {key.lower(): tuple(values.items) for key, values in spec.extra.items()}
        asked = User(spec.user, frozenset(spec.groups), spec.uid, MappingProxyType(extra))
        await self._answer(asked, review, moment)

    async def of_oneself(self, user: User, review: review_pb2.SelfSubjectAccessReview, moment: Moment) -> None:
        """About the caller."""
        _check(review)
        await self._answer(user, review, moment)

    async def rules(self, user: User, review: review_pb2.SelfSubjectRulesReview, moment: Moment) -> None:
        """What the caller may do in a namespace."""
        if not review.spec.namespace:
            raise BadRequest("no namespace on request")
        known = await self.authorization.rules(user, review.spec.namespace, moment)
        review.ClearField("status")
        status = review.status
        for rule in known.rules:
            if rule.resources:
                status.resourceRules.add(
                    verbs=rule.verbs,
                    apiGroups=rule.apiGroups,
                    resources=rule.resources,
                    resourceNames=rule.resourceNames,
                )
            if rule.nonResourceURLs:
                status.nonResourceRules.add(verbs=rule.verbs, nonResourceURLs=rule.nonResourceURLs)
        status.incomplete = bool(known.errors)
        status.evaluationError = ", ".join(known.errors)

    async def _answer(self, user: User, review: Any, moment: Moment) -> None:
        verdict = await self.authorization.judge(user, _wanted(review.spec), moment)
        answer = review_pb2.SubjectAccessReviewStatus(
            allowed=verdict.allowed, reason=verdict.reason, evaluationError=verdict.errors
        )
        review.status.CopyFrom(answer)


def _wanted(spec: Any) -> Attributes:
    """What the review asks about, as a request would be."""
    if spec.HasField("nonResourceAttributes"):
        return Attributes(spec.nonResourceAttributes.verb, path=spec.nonResourceAttributes.path)
    asked = spec.resourceAttributes
    return Attributes(
        asked.verb,
        asked.group,
        asked.resource,
        asked.namespace,
        asked.name,
        asked.subresource,
        fields=_fields(asked.fieldSelector) if asked.HasField("fieldSelector") else None,
    )


def _fields(selector: review_pb2.FieldSelectorAttributes) -> Mapping[str, str]:
    """The values that fields must have. What is asked in other ways restricts nothing, as for authorizers elsewhere."""
    exact = (one for one in selector.requirements if one.operator == "In" and len(one.values) == 1)
    required = {one.key: one.values[0] for one in exact}
    for part in filter(None, selector.rawSelector.split(",")):
        path, equals, value = part.partition("=")
        if equals and not path.endswith("!"):
            required[path.strip()] = value.removeprefix("=").strip()
    return required


def _check(review: Any) -> None:
    if causes := checks.check_access(review):
        raise Invalid.of(kinds.of(review).qualified_name, "", causes)


async def answer_self(user: User, review: user_pb2.SelfSubjectReview, _: Moment) -> None:
    """Whom the server takes the caller for."""
    review.status.userInfo.CopyFrom(user_info(user))


def user_info(user: User) -> user_pb2.UserInfo:
    """The user as the API shows it."""
    told = user_pb2.UserInfo(username=user.name, uid=user.uid, groups=sorted(user.groups))
    for key, values in user.extra.items():
        told.extra[key].items.extend(values)
    return told
