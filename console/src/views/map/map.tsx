import { useMemo, useState } from "preact/hooks";
import type { Node, Pod } from "../../api/pods";
import { kubectl } from "../../domain/kubectl";
import { allocatable, requested, total, troubles } from "../../domain/node-load";
import { podState } from "../../domain/pod-state";
import { bytes, cores } from "../../domain/quantity";
import { matches } from "../../domain/rows";
import { useMessages } from "../../i18n";
import { Badge } from "../../parts/badge";
import { KubectlLine } from "../../parts/kubectl-line";
import { LiveState } from "../../parts/live-state";
import { Meter } from "../../parts/meter";
import { Select } from "../../parts/select";
import { useCluster, useLive } from "../../state/cluster";
import { amend, href, place } from "../../state/router";
import { namespace } from "../../state/settings";
import { useSignal } from "../../state/signal";

type Sized = "same" | "cpu" | "memory";

const NOWHERE = "";

/** The nodes as boxes with their pods in them, live: what is started, moved or killed is seen to be. */
export function ClusterMap() {
  const say = useMessages();
  const cluster = useCluster();
  const within = useSignal(namespace);
  const filter = useSignal(place).query.filter ?? "";
  const [sized, setSized] = useState<Sized>("same");
  const nodes = useLive(cluster.stores.objects<Node>({ path: "/api/v1/nodes" }));
  const pods = useLive(cluster.stores.objects<Pod>({ path: "/api/v1/pods" }));
  const byNode = useMemo(() => Map.groupBy(pods.items.values(), (pod) => pod.spec.nodeName ?? NOWHERE), [pods.version]);
  const isShown = (pod: Pod) =>
    (!within || pod.metadata.namespace === within) && matches(filter, [pod.metadata.name, pod.metadata.namespace ?? "", podState(pod).text]);
  const sorted = [...nodes.items.values()].toSorted((one, other) => one.metadata.name.localeCompare(other.metadata.name));
  const waiting = (byNode.get(NOWHERE) ?? []).filter(isShown);
  return (
    <section class="view">
      <header class="view-head">
        <h1>{say("nav.map")}</h1>
        <LiveState live={pods.state.is === "live" ? nodes : pods} />
        <span class="fill" />
        <Select
          label={say("map.size")}
          value={sized}
          options={[
            ["same", say("map.size.same")],
            ["cpu", say("map.size.cpu")],
            ["memory", say("map.size.memory")],
          ]}
          choose={(value) => setSized(value as Sized)}
        />
        <input type="search" placeholder={say("objects.filter")} aria-label={say("objects.filter")} value={filter} onInput={(event) => amend({ filter: event.currentTarget.value })} />
      </header>
      <div class="map">
        {waiting.length > 0 && (
          <article class="node" data-state="waiting">
            <h2>{say("map.waiting")}</h2>
            <Pods pods={waiting} sized={sized} />
          </article>
        )}
        {sorted.map((node) => (
          <NodeBox key={node.metadata.uid} node={node} all={byNode.get(node.metadata.name) ?? []} isShown={isShown} sized={sized} />
        ))}
      </div>
      <KubectlLine line={kubectl(cluster.context, within, "get", "pods", "-o", "wide", within ? "" : "-A")} />
    </section>
  );
}

function NodeBox({ node, all, isShown, sized }: { node: Node; all: Pod[]; isShown: (pod: Pod) => boolean; sized: Sized }) {
  const say = useMessages();
  const cluster = useCluster();
  const wrong = troubles(node);
  const [used, most] = [total(all), allocatable(node)];
  return (
    <article class="node" data-state={wrong.length ? "bad" : node.spec.unschedulable ? "cordoned" : "good"}>
      <header>
        <h2>
          <a href={href(cluster.name, "objects", ["nodes", "-", node.metadata.name])}>{node.metadata.name}</a>
        </h2>
        {wrong.map((each) => (
          <Badge key={each} tone="bad">
            {each}
          </Badge>
        ))}
        {node.spec.unschedulable && <Badge tone="warn">{say("node.cordoned")}</Badge>}
        <span class="fill" />
        <small>{most.pods ? say("map.pods", { count: used.pods, most: most.pods }) : say("map.podsOf", { count: used.pods })}</small>
      </header>
      <div class="meters">
        <Meter label={say("node.cpu")} value={used.cpu} most={most.cpu} text={`${cores(used.cpu)} / ${cores(most.cpu)}`} />
        <Meter label={say("node.memory")} value={used.memory} most={most.memory} text={`${bytes(used.memory)} / ${bytes(most.memory)}`} />
      </div>
      <Pods pods={all.filter(isShown)} sized={sized} />
      <Taints node={node} />
    </article>
  );
}

function Taints({ node }: { node: Node }) {
  const taints = (node.spec.taints ?? []).filter((each) => each.key !== "node.kubernetes.io/unschedulable");
  if (!taints.length) return null;
  return (
    <ul class="taints">
      {taints.map((each) => (
        <li key={`${each.key}${each.effect}`}>{`${each.key}${each.value ? `=${each.value}` : ""}:${each.effect}`}</li>
      ))}
    </ul>
  );
}

const SIDE_PX = 22;
const LARGEST_PX = 64;
const UNITS = { cpu: 0.1, memory: 128 * 2 ** 20 };

function side(pod: Pod, sized: Sized): number {
  if (sized === "same") return SIDE_PX;
  return Math.min(LARGEST_PX, Math.max(SIDE_PX, SIDE_PX * Math.sqrt(requested(pod)[sized] / UNITS[sized])));
}

function Pods({ pods, sized }: { pods: Pod[]; sized: Sized }) {
  const cluster = useCluster();
  const sorted = pods.toSorted((one, other) => name(one).localeCompare(name(other)));
  return (
    <ul class="pods">
      {sorted.map((pod) => {
        const state = podState(pod);
        const told = `${name(pod)}: ${state.text}`;
        const px = side(pod, sized);
        return (
          <li key={pod.metadata.uid}>
            <a
              class="pod"
              data-tone={state.tone}
              href={href(cluster.name, "objects", ["pods", pod.metadata.namespace ?? "-", pod.metadata.name])}
              title={told}
              aria-label={told}
              style={{ width: `${px}px`, height: `${px}px` }}
            />
          </li>
        );
      })}
    </ul>
  );
}

function name(pod: Pod): string {
  return `${pod.metadata.namespace ?? ""}/${pod.metadata.name}`;
}
