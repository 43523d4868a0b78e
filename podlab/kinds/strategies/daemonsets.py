"""DaemonSets: how often their template has changed, which old clients read."""

from podlab.api.selection.labels import TEMPLATE_GENERATION
from podlab.apps.v1.daemonset_pb2 import DaemonSet


def begin(given: DaemonSet) -> None:
    """Counting begins with 1, or where its author begins."""
    given.metadata.annotations[TEMPLATE_GENERATION] = str(_generation(given) or 1)


def count(new: DaemonSet, old: DaemonSet) -> None:
    """Whatever its writer says, each change of the template counts one."""
    known = _generation(old)
    if known or new.spec.template != old.spec.template:
        known += new.spec.template != old.spec.template
        new.metadata.annotations[TEMPLATE_GENERATION] = str(known)


def _generation(item: DaemonSet) -> int:
    """Zero for one that does not say, or says no number."""
    text = item.metadata.annotations.get(TEMPLATE_GENERATION, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
