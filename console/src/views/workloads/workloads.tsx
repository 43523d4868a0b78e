import { useMemo, useState } from "preact/hooks";
import { collectionPath, type Resource, resourceName } from "../../api/discovery";
import type { Pod } from "../../api/pods";
import type { KubeObject } from "../../api/types";
import { kubectl } from "../../domain/kubectl";
import { podState } from "../../domain/pod-state";
import { rollout, type Rollout } from "../../domain/rollout";
import { matches } from "../../domain/rows";
import { type Branch, tree } from "../../domain/tree";
import { useMessages } from "../../i18n";
import { Age } from "../../parts/age";
import { Badge } from "../../parts/badge";
import { KubectlLine } from "../../parts/kubectl-line";
import { LiveState } from "../../parts/live-state";
import { useCluster, useLive } from "../../state/cluster";
import { amend, href, place } from "../../state/router";
import { namespace } from "../../state/settings";
import { useSignal } from "../../state/signal";

const KINDS: [string, string][] = [
  ["deployments", "apps"],
  ["replicasets", "apps"],
  ["statefulsets", "apps"],
  ["daemonsets", "apps"],
  ["cronjobs", "batch"],
  ["jobs", "batch"],
  ["pods", ""],
];

interface Item extends KubeObject {
  resource: Resource;
}

/** Everything that runs, below what owns it, with how far each is. */
export function Workloads() {
  const say = useMessages();
  const cluster = useCluster();
  const within = useSignal(namespace);
  const filter = useSignal(place).query.filter ?? "";
  const { items, states } = useItems(within);
  const branches = useMemo(() => tree(items).filter((each) => wanted(each, filter)), [items, filter]);
  const broken = states.find((each) => each.state.is === "broken") ?? states[0];
  return (
    <section class="view">
      <header class="view-head">
        <h1>{say("nav.workloads")}</h1>
        {broken && <LiveState live={broken} />}
        <span class="fill" />
        <input type="search" placeholder={say("objects.filter")} aria-label={say("objects.filter")} value={filter} onInput={(event) => amend({ filter: event.currentTarget.value })} />
      </header>
      {branches.length ? (
        <ul class="tree">
          {branches.map((each) => (
            <Node key={each.item.metadata.uid} branch={each} />
          ))}
        </ul>
      ) : (
        <p class="empty">{say("objects.none")}</p>
      )}
      <KubectlLine line={kubectl(cluster.context, within, "get", "deployments,statefulsets,daemonsets,jobs,cronjobs,pods", within ? "" : "-A")} />
    </section>
  );
}

/** All objects of these kinds, each with its kind. The list of kinds never changes, so hooks are called in one order. */
function useItems(within: string): { items: Item[]; states: ReturnType<typeof useLive>[] } {
  const cluster = useCluster();
  const found = KINDS.map(([plural, group]) => {
    const resource = cluster.kind(plural, group);
    const path = resource ? collectionPath(resource, within) : "";
    return { resource, live: useLive(cluster.stores.objects<KubeObject>({ path })) };
  });
  const items = useMemo(
    () => found.flatMap(({ resource, live }) => (resource ? [...live.items.values()].map((item) => ({ ...item, resource })) : [])),
    found.map(({ live }) => live.version),
  );
  return { items, states: found.map(({ live }) => live) };
}

function wanted(branch: Branch<Item>, filter: string): boolean {
  const { item, owned } = branch;
  return matches(filter, [item.metadata.name, item.resource.kind, item.metadata.namespace ?? ""]) || owned.some((each) => wanted(each, filter));
}

/** An object and those that it owns. ReplicaSets without pods are a Deployment's past: they are left out. */
function Node({ branch }: { branch: Branch<Item> }) {
  const say = useMessages();
  const cluster = useCluster();
  const [open, setOpen] = useState(true);
  const { item, owned } = branch;
  const shown = owned.filter((each) => each.item.resource.kind !== "ReplicaSet" || each.owned.length);
  const { name, namespace: at = "-", creationTimestamp } = item.metadata;
  const line = (
    <span class="tree-line">
      <small>{item.resource.kind}</small>
      <a href={href(cluster.name, "objects", [resourceName(item.resource), at, name])}>{name}</a>
      {!item.metadata.ownerReferences && <small>{at}</small>}
      <State item={item} />
      <small>
        <Age from={creationTimestamp} />
      </small>
    </span>
  );
  if (!shown.length) return <li>{line}</li>;
  return (
    <li>
      <button type="button" class="fold" aria-expanded={open} aria-label={say("tree.owned", { name })} onClick={() => setOpen(!open)}>
        <span aria-hidden="true">{open ? "▾" : "▸"}</span>
      </button>
      {line}
      {open && (
        <ul>
          {shown.map((each) => (
            <Node key={each.item.metadata.uid} branch={each} />
          ))}
        </ul>
      )}
    </li>
  );
}

function State({ item }: { item: Item }) {
  if (item.resource.kind === "Pod") {
    const state = podState(item as unknown as Pod);
    return <Badge tone={state.tone}>{state.text}</Badge>;
  }
  if (item.resource.group !== "apps") return null;
  return <Bar rollout={rollout(item.resource.kind, item)} />;
}

/** Of the wanted pods: those that are new and ready, and those that are old. */
export function Bar({ rollout: { wanted: most, ready, updated, total, done } }: { rollout: Rollout }) {
  const say = useMessages();
  const full = Math.max(most, total, 1);
  const part = (count: number) => ({ width: `${(100 * count) / full}%` });
  const old = Math.max(0, total - updated);
  const fresh = Math.min(ready, updated);
  return (
    <span class="rollout">
      <span class="rollout-bar" role="img" aria-label={say("rollout.label", { ready, wanted: most, updated, old })}>
        <span class="rollout-new" style={part(fresh)} />
        <span class="rollout-coming" style={part(Math.max(0, updated - fresh))} />
        <span class="rollout-old" style={part(old)} />
      </span>
      <small data-tone={done ? "good" : "busy"}>{`${ready}/${most}`}</small>
    </span>
  );
}
