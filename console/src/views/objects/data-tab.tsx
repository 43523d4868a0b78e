import { useEffect, useState } from "preact/hooks";
import { objectPath, resourceName } from "../../api/discovery";
import { messageOf } from "../../api/http";
import { concealed, type DataObject, type Entry, entries } from "../../domain/data";
import { kubectl } from "../../domain/kubectl";
import { useMessages } from "../../i18n";
import { CopyButton } from "../../parts/copy-button";
import { KubectlLine } from "../../parts/kubectl-line";
import { Notice } from "../../parts/notice";
import { useCluster } from "../../state/cluster";
import type { ObjectProps } from "./tabs";

/** The keys of a ConfigMap with what they hold; those of a Secret hold it back until one is asked for. */
export function DataTab(props: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const { resource, namespace, name } = props;
  const { found, error, show, hide } = useEntries(props);
  if (found === undefined) return <Notice>{error || say("app.loading")}</Notice>;
  const secret = resource.kind === "Secret";
  return (
    <>
      {error && (
        <p class="refusal" role="alert">
          {error}
        </p>
      )}
      {!found.length && <p class="empty">{say("data.none")}</p>}
      {found.map((entry) => (
        <section key={entry.key} class="datum" aria-label={entry.key}>
          <header class="row">
            <h2>{entry.key}</h2>
            <small>{say("data.bytes", { count: entry.bytes })}</small>
            <span class="fill" />
            {secret && (
              <button type="button" class="small" aria-expanded={entry.shown} onClick={() => (entry.shown ? hide : show)(entry.key)}>
                {say(entry.shown ? "data.hide" : "data.show")}
              </button>
            )}
            {entry.text !== undefined && <CopyButton text={entry.text} />}
          </header>
          {entry.shown && <pre class="value" tabIndex={0}>{entry.text ?? say("data.binary")}</pre>}
        </section>
      ))}
      {secret && <p>{say("data.audited")}</p>}
      <KubectlLine line={kubectl(cluster.context, namespace, ...(secret ? ["describe"] : ["get", "-o", "yaml"]), resourceName(resource), name)} />
    </>
  );
}

interface Shown extends Entry {
  shown: boolean;
}

/** Of a Secret the page keeps keys and sizes; each value that is asked for is read anew, which the audit log notes. */
function useEntries({ resource, namespace, name }: ObjectProps) {
  const { api } = useCluster();
  const [found, setFound] = useState<Shown[]>();
  const [error, setError] = useState("");
  const path = objectPath(resource, namespace, name);
  const read = () => api.json<DataObject>(path).then((object) => entries(resource.kind, object));
  const failed = (why: unknown) => setError(messageOf(why));
  useEffect(() => {
    const hides = resource.kind === "Secret";
    read().then((all) => setFound((hides ? concealed(all) : all).map((each) => ({ ...each, shown: !hides }))), failed);
  }, [api, path]);
  const put = (entry: Shown) => setFound((now) => now?.map((each) => (each.key === entry.key ? entry : each)));
  const show = (key: string) => {
    read().then((all) => {
      const entry = all.find((each) => each.key === key);
      setError("");
      if (entry) put({ ...entry, shown: true });
      else setFound((now) => now?.filter((each) => each.key !== key));
    }, failed);
  };
  const hide = (key: string) => {
    setFound((now) => now?.map((each) => (each.key === key ? { ...each, text: undefined, shown: false } : each)));
  };
  return { found, error, show, hide };
}
