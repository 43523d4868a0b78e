import { useMemo } from "preact/hooks";
import type { Node, Pod } from "../../api/pods";
import { kubectl } from "../../domain/kubectl";
import { allocatable, total, troubles } from "../../domain/node-load";
import { bytes, cores } from "../../domain/quantity";
import { useMessages } from "../../i18n";
import { Age } from "../../parts/age";
import { Badge } from "../../parts/badge";
import { KubectlLine } from "../../parts/kubectl-line";
import { LiveState } from "../../parts/live-state";
import { Meter } from "../../parts/meter";
import { useCluster, useLive } from "../../state/cluster";
import { href } from "../../state/router";
import { Actions } from "../workloads/actions";
import { Drain } from "./drain";

/** The machines: how each is, what pods ask of it, and what it is. */
export function Nodes() {
  const say = useMessages();
  const cluster = useCluster();
  const nodes = useLive(cluster.stores.objects<Node>({ path: "/api/v1/nodes" }));
  const pods = useLive(cluster.stores.objects<Pod>({ path: "/api/v1/pods" }));
  const byNode = useMemo(() => Map.groupBy(pods.items.values(), (pod) => pod.spec.nodeName ?? ""), [pods.version]);
  const sorted = [...nodes.items.values()].toSorted((one, other) => one.metadata.name.localeCompare(other.metadata.name));
  return (
    <section class="view">
      <header class="view-head">
        <h1>{say("nav.nodes")}</h1>
        <LiveState live={nodes} />
      </header>
      <div class="nodes">
        {sorted.map((node) => (
          <NodeCard key={node.metadata.uid} node={node} pods={byNode.get(node.metadata.name) ?? []} />
        ))}
      </div>
      <KubectlLine line={kubectl(cluster.context, "", "get", "nodes", "-o", "wide")} />
    </section>
  );
}

function NodeCard({ node, pods }: { node: Node; pods: Pod[] }) {
  const say = useMessages();
  const cluster = useCluster();
  const resource = cluster.kind("nodes");
  const wrong = troubles(node);
  const [used, most] = [total(pods), allocatable(node)];
  const info = node.status?.nodeInfo;
  return (
    <article class="card">
      <header>
        <h2>
          <a href={href(cluster.name, "objects", ["nodes", "-", node.metadata.name])}>{node.metadata.name}</a>
        </h2>
        {wrong.length ? wrong.map((each) => <Badge key={each} tone="bad">{each}</Badge>) : <Badge tone="good">Ready</Badge>}
        {node.spec.unschedulable && <Badge tone="warn">{say("node.cordoned")}</Badge>}
        <span class="fill" />
        {resource && <Actions resource={resource} namespace="" name={node.metadata.name} />}
        {resource && <Drain resource={resource} name={node.metadata.name} />}
      </header>
      <div class="meters">
        <Meter label={say("node.cpu")} value={used.cpu} most={most.cpu} text={`${cores(used.cpu)} / ${cores(most.cpu)}`} />
        <Meter label={say("node.memory")} value={used.memory} most={most.memory} text={`${bytes(used.memory)} / ${bytes(most.memory)}`} />
        <Meter label={say("node.pods")} value={used.pods} most={most.pods} text={`${used.pods} / ${most.pods}`} />
      </div>
      <p class="facts-line">
        {[...(node.status?.addresses ?? []).filter((each) => each.type !== "Hostname").map((each) => each.address), node.spec.podCIDR, info?.kubeletVersion, info?.osImage, info?.kernelVersion, info?.containerRuntimeVersion]
          .filter(Boolean)
          .join(" · ")}
        {" · "}
        <Age from={node.metadata.creationTimestamp} />
      </p>
    </article>
  );
}
