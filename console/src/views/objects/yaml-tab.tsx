import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { objectPath, resourceName } from "../../api/discovery";
import { messageOf } from "../../api/http";
import { FIELD_MANAGER } from "../../api/patch";
import { diff, excerpt } from "../../domain/diff";
import { kubectl } from "../../domain/kubectl";
import { withoutManagers } from "../../domain/managers";
import { useMessages } from "../../i18n";
import { DeedDialog } from "../../parts/deed-dialog";
import { DiffLines } from "../../parts/diff-lines";
import { KubectlLine } from "../../parts/kubectl-line";
import { Notice } from "../../parts/notice";
import { YamlEditor } from "../../parts/yaml-editor";
import { useCluster, useMay } from "../../state/cluster";
import type { ObjectProps } from "./tabs";

const YAML = "application/yaml";

/** An object as it is stored, and what is about to be written in its place. */
interface Draft {
  stored: string | undefined;
  text: string;
  error: string;
  /** What the server would make of it; undefined where it was not tried. */
  tried: string | undefined;
  /** How often it was read: each time what was written is given up. */
  reads: number;
}

/** An object as YAML. A Secret's is not even read before it is asked for. */
export function YamlTab(props: ObjectProps) {
  const say = useMessages();
  const [asked, setAsked] = useState(false);
  if (asked || props.resource.kind !== "Secret") return <YamlForm {...props} />;
  return (
    <div class="row">
      <p>{say("yaml.hidden")}</p>
      <button type="button" onClick={() => setAsked(true)}>
        {say("yaml.show")}
      </button>
    </div>
  );
}

/** To read and to change: the server tries a change first, and its difference is shown. */
function YamlForm(props: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const { resource, namespace, name } = props;
  const { draft, edit, read, put, attempt } = useDraft(objectPath(resource, namespace, name));
  const may = useMay({ verb: "update", group: resource.group, resource: resource.plural, namespace, name });
  const { stored, text, error, tried, reads } = draft;
  if (stored === undefined) return <Notice>{error || say("app.loading")}</Notice>;
  const words = text === stored ? ["get", resourceName(resource), name, "-o", "yaml"] : ["edit", resourceName(resource), name];
  return (
    <>
      <YamlEditor key={reads} label={say("objects.yaml")} text={stored} editable={may} changed={edit} />
      {error && (
        <p class="refusal" role="alert">
          {error}
        </p>
      )}
      <div class="row">
        <KubectlLine line={kubectl(cluster.context, namespace, ...words)} />
        <button type="button" onClick={read}>
          {say("yaml.reload")}
        </button>
        {may && (
          <button type="button" class="primary" disabled={text === stored} onClick={attempt}>
            {say("yaml.try")}
          </button>
        )}
      </div>
      {tried !== undefined && (
        <DeedDialog
          title={say("yaml.changes")}
          verb={say("yaml.apply")}
          line={kubectl(cluster.context, namespace, "replace", "-f", "-")}
          run={() => put(false).then(read)}
          close={() => edit(text)}
        >
          <DiffLines lines={excerpt(diff(stored, withoutManagers(tried)))} />
        </DeedDialog>
      )}
    </>
  );
}

function useDraft(path: string) {
  const { api } = useCluster();
  const [draft, setDraft] = useState<Draft>({ stored: undefined, text: "", error: "", tried: undefined, reads: 0 });
  const text = useRef("");
  const read = useCallback(() => {
    api.text(path, { accept: YAML }).then(
      (read) => {
        text.current = withoutManagers(read);
        setDraft((now) => ({ stored: text.current, text: text.current, error: "", tried: undefined, reads: now.reads + 1 }));
      },
      (why: unknown) => setDraft((now) => ({ ...now, error: messageOf(why) })),
    );
  }, [api, path]);
  useEffect(read, [read]);
  const edit = useCallback((written: string) => {
    text.current = written;
    setDraft((now) => ({ ...now, text: written, tried: undefined }));
  }, []);
  const put = (dryRun: boolean) =>
    api.text(path, {
      method: "PUT",
      query: { fieldManager: FIELD_MANAGER, fieldValidation: "Strict", dryRun: dryRun ? "All" : undefined },
      accept: YAML,
      contentType: YAML,
      body: text.current,
    });
  const attempt = () => {
    put(true).then(
      (tried) => setDraft((now) => ({ ...now, error: "", tried })),
      (why: unknown) => setDraft((now) => ({ ...now, error: messageOf(why) })),
    );
  };
  return { draft, edit, read, put, attempt };
}
