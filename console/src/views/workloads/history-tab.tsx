import { useMemo, useState } from "preact/hooks";
import { objectPath } from "../../api/discovery";
import { patch } from "../../api/patch";
import type { Workload } from "../../api/pods";
import { diff, excerpt } from "../../domain/diff";
import { type KeptRevision, lines, type Revision, revisions, type Template, undoing } from "../../domain/history";
import { kubectl } from "../../domain/kubectl";
import { useMessages } from "../../i18n";
import { Age } from "../../parts/age";
import { Badge } from "../../parts/badge";
import { DeedDialog } from "../../parts/deed-dialog";
import { DiffLines } from "../../parts/diff-lines";
import { KubectlLine } from "../../parts/kubectl-line";
import { LiveState } from "../../parts/live-state";
import { useCluster, useLive, useMay, useObject } from "../../state/cluster";
import type { ObjectProps } from "../objects/tabs";

type Templated = Workload & { spec: { template: Template } };

/** The revisions of a workload that the cluster keeps, each beside what it is now, and the way back to one. */
export function HistoryTab(props: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const { resource, namespace, name } = props;
  const { object } = useObject<Templated>(resource, namespace, name);
  const kept = resource.kind === "Deployment" ? "replicasets" : "controllerrevisions";
  const store = cluster.stores.objects<KeptRevision>({ path: `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${kept}` });
  const live = useLive(store);
  const owner = object?.metadata.uid ?? "";
  const found = useMemo(() => revisions(owner, live.items.values()), [live.version, owner]);
  const may = useMay({ verb: "patch", group: resource.group, resource: resource.plural, namespace, name });
  if (!found.length && live.state.is !== "live") return <LiveState live={live} />;
  if (!object || !found.length) return <p class="empty">{say("history.none")}</p>;
  const present = lines(object.spec.template);
  return (
    <>
      <ol class="history">
        {found.map((each) => (
          <Entry key={each.uid} {...props} revision={each} present={present} may={may} />
        ))}
      </ol>
      <KubectlLine line={kubectl(cluster.context, namespace, "rollout", "history", `${resource.singular}/${name}`)} />
    </>
  );
}

type EntryProps = ObjectProps & { revision: Revision; present: string; may: boolean };

function Entry({ revision, present, may, ...props }: EntryProps) {
  const say = useMessages();
  const [asking, setAsking] = useState(false);
  const kept = useMemo(() => lines(revision.template), [revision]);
  const current = kept === present;
  return (
    <li>
      <header class="row">
        <h2>{say("history.revision", { number: revision.number })}</h2>
        {current && <Badge tone="good">{say("history.present")}</Badge>}
        <small>
          <Age from={revision.since} />
        </small>
        {revision.cause && <span>{revision.cause}</span>}
        <span class="fill" />
        {may && !current && (
          <button type="button" class="small" onClick={() => setAsking(true)}>
            {say("history.undo")}
          </button>
        )}
      </header>
      {!current && (
        <details>
          <summary>{say("history.difference")}</summary>
          <DiffLines lines={excerpt(diff(present, kept))} />
        </details>
      )}
      {asking && <Undo {...props} revision={revision} present={present} kept={kept} close={() => setAsking(false)} />}
    </li>
  );
}

function Undo({ revision, present, kept, close, ...props }: ObjectProps & { revision: Revision; present: string; kept: string; close: () => void }) {
  const say = useMessages();
  const cluster = useCluster();
  const { resource, namespace, name } = props;
  const run = () => patch(cluster.api, objectPath(resource, namespace, name), "strategic-merge-patch", undoing(revision.template));
  return (
    <DeedDialog
      title={say("history.undoTitle", { kind: resource.kind, name, number: revision.number })}
      verb={say("history.undo")}
      line={kubectl(cluster.context, namespace, "rollout", "undo", `${resource.singular}/${name}`, `--to-revision=${revision.number}`)}
      run={run}
      close={close}
    >
      <DiffLines lines={excerpt(diff(present, kept))} />
    </DeedDialog>
  );
}
