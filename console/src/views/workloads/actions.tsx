import { useState } from "preact/hooks";
import { objectPath, type Resource, resourceName } from "../../api/discovery";
import { patch } from "../../api/patch";
import type { Node, Workload } from "../../api/pods";
import { kubectl } from "../../domain/kubectl";
import { type Message, useMessages } from "../../i18n";
import { DeedDialog } from "../../parts/deed-dialog";
import { type Cluster, useCluster, useMay, useObject } from "../../state/cluster";
import type { ObjectProps } from "../objects/tabs";

type Acted = Workload & Node;

interface Action {
  id: string;
  title: Message;
  /** Kinds that have it, as `resourceName` names them. */
  kinds: string[];
  /** The subresource that is written, where it is one. */
  subresource?: string;
  /** Whether it makes sense for an object as it is. */
  now?: (object: Acted) => boolean;
  /** Whether a number is asked for. */
  counted?: boolean;
  patch: (count: number) => unknown;
  words: (resource: Resource, name: string, count: number) => string[];
}

const RESTARTED = ["deployments.apps", "statefulsets.apps", "daemonsets.apps"];

function restarted(): unknown {
  const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
  return { spec: { template: { metadata: { annotations } } } };
}

/** What can be done with objects, beside writing them as YAML. All are patches, as kubectl sends them. */
const ACTIONS: Action[] = [
  {
    id: "scale",
    title: "deed.scale",
    kinds: ["deployments.apps", "statefulsets.apps", "replicasets.apps", "replicationcontrollers"],
    subresource: "scale",
    counted: true,
    patch: (count) => ({ spec: { replicas: count } }),
    words: (resource, name, count) => ["scale", `${resource.singular}/${name}`, `--replicas=${count}`],
  },
  {
    id: "restart",
    title: "deed.restart",
    kinds: RESTARTED,
    patch: restarted,
    words: (resource, name) => ["rollout", "restart", `${resource.singular}/${name}`],
  },
  {
    id: "pause",
    title: "deed.pause",
    kinds: ["deployments.apps"],
    now: (object) => !object.spec.paused,
    patch: () => ({ spec: { paused: true } }),
    words: (resource, name) => ["rollout", "pause", `${resource.singular}/${name}`],
  },
  {
    id: "resume",
    title: "deed.resume",
    kinds: ["deployments.apps"],
    now: (object) => object.spec.paused === true,
    patch: () => ({ spec: { paused: null } }),
    words: (resource, name) => ["rollout", "resume", `${resource.singular}/${name}`],
  },
  {
    id: "cordon",
    title: "deed.cordon",
    kinds: ["nodes"],
    now: (object) => !object.spec.unschedulable,
    patch: () => ({ spec: { unschedulable: true } }),
    words: (_, name) => ["cordon", name],
  },
  {
    id: "uncordon",
    title: "deed.uncordon",
    kinds: ["nodes"],
    now: (object) => object.spec.unschedulable === true,
    patch: () => ({ spec: { unschedulable: null } }),
    words: (_, name) => ["uncordon", name],
  },
];

/** Buttons for what the user may do with the object. */
export function Actions(props: ObjectProps) {
  const actions = ACTIONS.filter((each) => each.kinds.includes(resourceName(props.resource)));
  return actions.length ? <ActionsFor {...props} actions={actions} /> : null;
}

function ActionsFor({ actions, ...props }: ObjectProps & { actions: Action[] }) {
  const { object } = useObject<Acted>(props.resource, props.namespace, props.name);
  if (!object) return null;
  return (
    <>
      {actions
        .filter((each) => each.now?.(object) ?? true)
        .map((each) => (
          <ActionButton key={each.id} {...props} action={each} object={object} />
        ))}
    </>
  );
}

function ActionButton({ action, object, ...props }: ObjectProps & { action: Action; object: Acted }) {
  const say = useMessages();
  const [asking, setAsking] = useState(false);
  const { resource, namespace, name } = props;
  const written = action.subresource ? `${resource.plural}/${action.subresource}` : resource.plural;
  const may = useMay({ verb: "patch", group: resource.group, resource: written, namespace, name });
  if (!may) return null;
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        {say(action.title)}
      </button>
      {asking && <Asked {...props} action={action} first={object.spec.replicas ?? 1} close={() => setAsking(false)} />}
    </>
  );
}

function Asked({ action, first, close, ...props }: ObjectProps & { action: Action; first: number; close: () => void }) {
  const say = useMessages();
  const cluster = useCluster();
  const [count, setCount] = useState(first);
  const { resource, namespace, name } = props;
  return (
    <DeedDialog
      title={say("deed.title", { verb: say(action.title), kind: resource.kind, name })}
      verb={say(action.title)}
      line={kubectl(cluster.context, namespace, ...action.words(resource, name, count))}
      run={() => patched(cluster, props, action, count)}
      close={close}
    >
      {action.counted && (
        <label class="asked">
          {say("deed.replicas")}
          <input type="number" min={0} value={count} onInput={(event) => setCount(event.currentTarget.valueAsNumber || 0)} />
        </label>
      )}
    </DeedDialog>
  );
}

function patched(cluster: Cluster, { resource, namespace, name }: ObjectProps, action: Action, count: number): Promise<unknown> {
  return patch(cluster.api, objectPath(resource, namespace, name, action.subresource), "merge-patch", action.patch(count));
}
