import { useCallback, useRef, useState } from "preact/hooks";
import { applied, type Trial, tried } from "../../api/apply";
import { type Resource, resourceName } from "../../api/discovery";
import { messageOf } from "../../api/http";
import { diff, excerpt } from "../../domain/diff";
import { kubectl } from "../../domain/kubectl";
import { type Fault, ManifestError, manifests } from "../../domain/manifest";
import { type Field, fieldsOf, starter, type Wanted } from "../../domain/starters";
import { type Message, useMessages } from "../../i18n";
import { DeedDialog } from "../../parts/deed-dialog";
import { DiffLines } from "../../parts/diff-lines";
import { KubectlLine } from "../../parts/kubectl-line";
import { YamlEditor } from "../../parts/yaml-editor";
import { useCluster } from "../../state/cluster";
import { go, href } from "../../state/router";
import { namespace } from "../../state/settings";
import { useSignal } from "../../state/signal";

const FIRST: Wanted = { name: "new", image: "", replicas: 1, port: 80 };
const FAULTS: Record<Fault, Message> = {
  syntax: "create.syntax",
  untyped: "create.untyped",
  unserved: "create.unserved",
  nameless: "create.nameless",
};
const TITLES: Record<Field, Message> = { image: "create.image", replicas: "deed.replicas", port: "create.port" };

/** New objects: by a form, as YAML, or from a file that is dropped. The server tries all of them before one is made. */
export function CreatePage({ resource }: { resource: Resource }) {
  const say = useMessages();
  const cluster = useCluster();
  const within = useSignal(namespace);
  const { starts, begun, error, trials, start, open, edit, attempt, close } = useAttempt(resource);
  const run = async () => {
    for (const each of trials ?? []) await applied(cluster.api, each.manifest, false);
    go(href(cluster.name, "objects", [resourceName(resource)]));
  };
  const drop = (event: DragEvent) => {
    if (!event.dataTransfer?.files.length) return; // text goes into the editor
    event.preventDefault();
    open(event.dataTransfer.files);
  };
  return (
    <section class="view" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <header class="view-head">
        <h1>{say("create.title", { kind: resource.kind })}</h1>
      </header>
      <Form resource={resource} start={start} open={open} />
      <YamlEditor key={starts} label={say("objects.yaml")} text={begun} editable changed={edit} />
      {error && (
        <p class="refusal" role="alert">
          {error}
        </p>
      )}
      <div class="row">
        <KubectlLine line={kubectl(cluster.context, within, "apply", "--server-side", "-f", "-")} />
        <button type="button" class="primary" onClick={attempt}>
          {say("yaml.try")}
        </button>
      </div>
      {trials && (
        <DeedDialog
          title={say("yaml.changes")}
          verb={say("yaml.apply")}
          line={kubectl(cluster.context, within, "apply", "--server-side", "-f", "-")}
          run={run}
          close={close}
        >
          {trials.map(({ manifest, change }) => (
            <section key={`${resourceName(manifest.resource)}/${manifest.namespace}/${manifest.name}`} class="datum">
              <h2>
                {manifest.resource.kind} {manifest.namespace && `${manifest.namespace}/`}
                {manifest.name}
              </h2>
              {change ? <DiffLines lines={excerpt(diff(change.before, change.after))} /> : <p>{say("create.concealed")}</p>}
            </section>
          ))}
        </DeedDialog>
      )}
    </section>
  );
}

/** What is asked for of a common kind, and a file; both begin the YAML anew. */
function Form({ resource, start, open }: { resource: Resource; start: (text: string) => void; open: (files: FileList | null) => void }) {
  const say = useMessages();
  const [wanted, setWanted] = useState(FIRST);
  const set = (change: Partial<Wanted>) => {
    const next = { ...wanted, ...change };
    setWanted(next);
    start(starter(resource, next));
  };
  return (
    <form class="row" onSubmit={(event) => event.preventDefault()}>
      <label class="asked">
        {say("create.name")}
        <input value={wanted.name} onInput={(event) => set({ name: event.currentTarget.value })} />
      </label>
      {fieldsOf(resource).map((field) => (
        <label key={field} class="asked">
          {say(TITLES[field])}
          {field === "image" ? (
            <input value={wanted.image} onInput={(event) => set({ image: event.currentTarget.value })} />
          ) : (
            <input type="number" min={0} value={wanted[field]} onInput={(event) => set({ [field]: event.currentTarget.valueAsNumber || 0 })} />
          )}
        </label>
      ))}
      <label class="asked">
        {say("create.file")}
        <input type="file" accept=".yaml,.yml,.json" onChange={(event) => open(event.currentTarget.files)} />
      </label>
    </form>
  );
}

interface Draft {
  /** What the editor began with, and how often it began anew. */
  begun: string;
  starts: number;
  error: string;
  trials: Trial[] | undefined;
}

function useAttempt(resource: Resource) {
  const say = useMessages();
  const cluster = useCluster();
  const within = useSignal(namespace);
  const [draft, setDraft] = useState<Draft>(() => ({ begun: starter(resource, FIRST), starts: 0, error: "", trials: undefined }));
  const text = useRef(draft.begun);
  const start = (begun: string) => {
    text.current = begun;
    setDraft((now) => ({ begun, starts: now.starts + 1, error: "", trials: undefined }));
  };
  const edit = useCallback((written: string) => {
    text.current = written;
  }, []);
  const failed = (why: unknown) => {
    const error = why instanceof ManifestError ? say(FAULTS[why.fault], { number: why.document, value: why.value }) : messageOf(why);
    setDraft((now) => ({ ...now, error, trials: undefined }));
  };
  const open = (files: FileList | null | undefined) => {
    files?.[0]?.text().then(start, failed);
  };
  const attempt = () => {
    void (async () => {
      const all = manifests(text.current, (version, kind) => cluster.kindOf(version, kind), within);
      const trials: Trial[] = [];
      for (const each of all) trials.push(await tried(cluster.api, each));
      setDraft((now) => ({ ...now, error: "", trials }));
    })().catch(failed);
  };
  const close = () => setDraft((now) => ({ ...now, begun: text.current, trials: undefined }));
  return { ...draft, start, open, edit, attempt, close };
}
