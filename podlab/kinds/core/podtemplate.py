"""The kind PodTemplate."""

from datetime import datetime

from podlab.api.cells import Cells, Table, containers, labels
from podlab.api.kinds import of
from podlab.core.v1.podtemplate_pb2 import PodTemplate
from podlab.kinds.defaults.pod import apply_to_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: PodTemplate, now: datetime) -> Cells:
    return [item.metadata.name, *containers(item.template.spec), labels(item.template.metadata.labels)]


def _set_defaults(given: PodTemplate) -> None:
    """Those of the pod."""
    apply_to_spec(given.template.spec)


def _warn(new: PodTemplate, old: PodTemplate | None) -> list[str]:
    from podlab.kinds.warnings import pods

    return [] if old is not None and new.template == old.template else list(pods.of(new.template, "template"))


def _strategy() -> Strategy:
    from podlab.kinds.validation.pods import pod
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(pod.check_pod_template),
        warn=_warn,
    )


RESOURCE = Resource(
    of(PodTemplate),
    table=Table(_cells, ("NAME", "CONTAINERS", "IMAGES", "POD LABELS")),
    load_strategy=_strategy,
)
