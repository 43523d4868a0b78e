"""Whether a bundle has what hosts need that reach nothing else. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from podlab.deploy.offline.archive import Contents, lacking
from podlab.deploy.preflight.finding import Finding, error, warning
from podlab.deploy.preflight.hosts.facts import Facts, Host


def check_bundle(
    hosts: Sequence[Host], facts: Mapping[str, Facts], bundle: Contents, requirements: Collection[str]
) -> Iterator[Finding]:
    """`requirements` are those of the Podlab that is to be deployed; `facts` lacks hosts that could not be reached."""
    for host in hosts:
        if (known := facts.get(host.name)) is None:
            continue
        target = "cp{}{}-{}".format(*known.python[:2], known.architecture)
        if missing := lacking(bundle, requirements, target):
            cause, _, remedy = missing.partition(": ")
            yield error(host.name, "bundle", f"the bundle {cause}", remedy)
        system = f"{known.os_id}-{known.os_version}-{known.architecture}"
        if system not in bundle.systems and {"nodes", "etcd"} & host.groups:
            cause = f"the bundle has packages for {', '.join(bundle.systems)} and not for {system}"
            remedy = "make one for it (bundle_systems), or install them there: " + " ".join(bundle.packages)
            yield warning(host.name, "bundle", cause, remedy)
