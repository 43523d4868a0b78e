import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { objectPath, type Resource } from "../../api/discovery";
import { evict, type Eviction } from "../../api/evict";
import { patch } from "../../api/patch";
import { pause } from "../../api/pause";
import type { Pod } from "../../api/pods";
import type { Store } from "../../api/store";
import { drainPlan, drainWords } from "../../domain/drain";
import { kubectl } from "../../domain/kubectl";
import { type Message, useMessages } from "../../i18n";
import { Badge } from "../../parts/badge";
import { DeedDialog } from "../../parts/deed-dialog";
import { LiveState } from "../../parts/live-state";
import { type Cluster, useCluster, useLive, useMay } from "../../state/cluster";

const WITHIN_MS = 300_000;
const LOOK_MS = 500;
const SAID: Record<Eviction["is"] | "gone", Message> = {
  asked: "drain.asked",
  refused: "drain.refused",
  evicted: "drain.evicted",
  gone: "drain.gone",
};

/** Cordons a node and evicts its pods, each of which is seen to go, for who may. */
export function Drain({ resource, name }: { resource: Resource; name: string }) {
  const say = useMessages();
  const [asking, setAsking] = useState(false);
  const mayCordon = useMay({ verb: "patch", group: "", resource: "nodes", name });
  const mayEvict = useMay({ verb: "create", group: "", resource: "pods/eviction" });
  if (!mayCordon || !mayEvict) return null;
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        {say("deed.drain")}
      </button>
      {asking && <Draining resource={resource} name={name} close={() => setAsking(false)} />}
    </>
  );
}

function Draining({ resource, name, close }: { resource: Resource; name: string; close: () => void }) {
  const say = useMessages();
  const cluster = useCluster();
  const store = cluster.stores.objects<Pod>({ path: "/api/v1/pods", query: { fieldSelector: `spec.nodeName=${name}` } });
  const live = useLive(store);
  const [begun, setBegun] = useState<Pod[]>();
  const [states, setStates] = useState<ReadonlyMap<string, Eviction>>(new Map());
  const given = useRef(new AbortController());
  useEffect(() => () => given.current.abort(), []);
  const plan = useMemo(() => drainPlan(live.items.values()), [live.version]);
  const known = live.state.is === "live";
  const run = async () => {
    setBegun(plan.evicted);
    await cordon(cluster, resource, name);
    const tell = (uid: string) => (state: Eviction) => setStates((now) => new Map(now).set(uid, state));
    const { signal } = given.current;
    const ends = await Promise.allSettled(plan.evicted.map((pod) => evict(cluster.api, pod, tell(pod.metadata.uid), signal, WITHIN_MS)));
    const failed = ends.find((each) => each.status === "rejected"); // once all others have been asked to the end
    if (failed) throw failed.reason;
    await gone(store, plan.evicted, signal, say("drain.left"));
  };
  const shown = begun ?? plan.evicted;
  return (
    <DeedDialog
      title={say("deed.title", { verb: say("deed.drain"), kind: resource.kind, name })}
      ready={known}
      verb={say("deed.drain")}
      line={kubectl(cluster.context, "", ...drainWords(name, plan))}
      run={run}
      close={close}
    >
      {known ? <p>{say("drain.plan", { evicted: shown.length, kept: plan.kept.length })}</p> : <LiveState live={live} />}
      {plan.unmanaged.length > 0 && <p>{say("drain.unmanaged", { names: names(plan.unmanaged) })}</p>}
      {plan.local.length > 0 && <p>{say("drain.local", { names: names(plan.local) })}</p>}
      <ul class="drain">
        {shown.map((pod) => (
          <PodLine key={pod.metadata.uid} pod={pod} state={states.get(pod.metadata.uid)} gone={begun !== undefined && !live.items.has(pod.metadata.uid)} />
        ))}
      </ul>
    </DeedDialog>
  );
}

function PodLine({ pod, state, gone: isGone }: { pod: Pod; state: Eviction | undefined; gone: boolean }) {
  const say = useMessages();
  const is = isGone ? "gone" : state?.is;
  return (
    <li>
      {is && <Badge tone={is === "gone" ? "done" : is === "refused" ? "warn" : "busy"}>{say(SAID[is])}</Badge>}
      <span>
        {pod.metadata.namespace}/{pod.metadata.name}
      </span>
      {!isGone && state?.is === "refused" && <small>{state.why}</small>}
    </li>
  );
}

function cordon(cluster: Cluster, resource: Resource, name: string): Promise<unknown> {
  return patch(cluster.api, objectPath(resource, "", name), "merge-patch", { spec: { unschedulable: true } });
}

/** Returns when the list has none of the pods any more. Raises Error with `left` and their names when that takes too long. */
async function gone(store: Store<Pod>, pods: Pod[], signal: AbortSignal, left: string): Promise<void> {
  const endsAt = Date.now() + WITHIN_MS;
  for (;;) {
    const still = pods.filter((pod) => store.live.items.has(pod.metadata.uid));
    if (!still.length) return;
    if (Date.now() > endsAt) throw new Error(`${left} ${names(still)}`);
    await pause(LOOK_MS, signal);
    signal.throwIfAborted();
  }
}

function names(pods: Pod[]): string {
  return pods.map((pod) => pod.metadata.name).join(", ");
}
