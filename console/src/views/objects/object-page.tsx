import { useEffect, useState } from "preact/hooks";
import { objectPath, type Resource, resourceName } from "../../api/discovery";
import { messageOf } from "../../api/http";
import { kubectl } from "../../domain/kubectl";
import { useMessages } from "../../i18n";
import { KubectlLine } from "../../parts/kubectl-line";
import { Notice } from "../../parts/notice";
import { useCluster } from "../../state/cluster";
import { href } from "../../state/router";

interface Props {
  resource: Resource;
  namespace: string;
  name: string;
}

/** One object. */
export function ObjectPage({ resource, namespace, name }: Props) {
  const cluster = useCluster();
  return (
    <section class="view">
      <header class="view-head">
        <nav class="crumbs" aria-label={resource.kind}>
          <a href={href(cluster.name, "objects", [resourceName(resource)])}>{resource.kind}</a>
          {namespace && <span>{namespace}</span>}
        </nav>
        <h1>{name}</h1>
      </header>
      <Yaml resource={resource} namespace={namespace} name={name} />
    </section>
  );
}

function Yaml({ resource, namespace, name }: Props) {
  const say = useMessages();
  const cluster = useCluster();
  const [text, setText] = useState<string>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const abort = new AbortController();
    cluster.api
      .text(objectPath(resource, namespace, name), { accept: "application/yaml", signal: abort.signal })
      .then(setText, (why: unknown) => {
        if (!abort.signal.aborted) setError(why);
      });
    return () => abort.abort();
  }, [cluster, resource, namespace, name]);
  if (error) return <Notice title={name}>{messageOf(error)}</Notice>;
  if (text === undefined) return <Notice>{say("app.loading")}</Notice>;
  return (
    <>
      <pre class="yaml" tabIndex={0} aria-label={say("objects.yaml")}>
        {text}
      </pre>
      <KubectlLine line={kubectl(cluster.context, namespace, "get", resourceName(resource), name, "-o", "yaml")} />
    </>
  );
}
