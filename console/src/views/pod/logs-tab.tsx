import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../api/http";
import { lines } from "../../api/lines";
import { kubectl } from "../../domain/kubectl";
import { LogBuffer } from "../../domain/log-buffer";
import { useMessages } from "../../i18n";
import { KubectlLine } from "../../parts/kubectl-line";
import { Select } from "../../parts/select";
import { type Cluster, useCluster } from "../../state/cluster";
import type { ObjectProps } from "../objects/tabs";
import { containerNames, usePod } from "./use-pod";

const KEPT_LINES = 5_000;
const AT_FIRST = 1_000;
const DRAWN_EVERY_MS = 150;

interface Wanted {
  path: string;
  container: string;
  previous: boolean;
}

/** What a pod's containers write, as they write it. */
export function LogsTab({ namespace, name }: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const names = containerNames(usePod(namespace, name).pod);
  const [chosen, setChosen] = useState("");
  const [previous, setPrevious] = useState(false);
  const [following, setFollowing] = useState(true);
  const [filter, setFilter] = useState("");
  const container = chosen || names[0] || "";
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`;
  const { buffer, error } = useLog(cluster, { path, container, previous });
  const shown = buffer.shown(filter);
  const flags = ["-c", container, previous ? "--previous" : "-f"];
  return (
    <>
      <div class="row">
        <Select label={say("logs.container")} value={container} options={names.map((each) => [each, each])} choose={setChosen} />
        <Check label={say("logs.previous")} on={previous} set={setPrevious} />
        <Check label={say("logs.follow")} on={following} set={setFollowing} />
        <span class="fill" />
        <input type="search" placeholder={say("logs.search")} aria-label={say("logs.search")} value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        <button type="button" disabled={!container} onClick={() => void download(cluster, { path, container, previous }, `${name}-${container}.log`)}>
          {say("logs.download")}
        </button>
      </div>
      {error && (
        <p class="refusal" role="alert">
          {error}
        </p>
      )}
      <Lines label={say("tab.logs")} {...shown} following={following} />
      <KubectlLine line={kubectl(cluster.context, namespace, "logs", name, ...flags)} />
    </>
  );
}

function Check({ label, on, set }: { label: string; on: boolean; set: (on: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={on} onChange={(event) => set(event.currentTarget.checked)} />
      {label}
    </label>
  );
}

function Lines({ label, lines: shown, dropped, following }: { label: string; lines: string[]; dropped: number; following: boolean }) {
  const say = useMessages();
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  });
  return (
    <pre class="log" ref={box} tabIndex={0} role="log" aria-live="off" aria-label={label}>
      {dropped > 0 && <em>{say("logs.dropped", { count: dropped })}</em>}
      {shown.join("\n")}
    </pre>
  );
}

/** Follows a log; another container's, or the previous one's, begins anew. */
function useLog(cluster: Cluster, { path, container, previous }: Wanted): { buffer: LogBuffer; error: string } {
  const [state, setState] = useState({ buffer: new LogBuffer(KEPT_LINES), error: "" });
  useEffect(() => {
    if (!container) return;
    const abort = new AbortController();
    const buffer = new LogBuffer(KEPT_LINES);
    setState({ buffer, error: "" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setState((now) => ({ ...now, buffer }));
      }, DRAWN_EVERY_MS);
    };
    const read = async () => {
      const query = { container, previous, follow: !previous, tailLines: AT_FIRST };
      const answer = await cluster.api.raw(path, { query, accept: "*/*", signal: abort.signal });
      if (!answer.body) return;
      for await (const line of lines(answer.body)) {
        buffer.add(line);
        draw();
      }
    };
    read().catch((why: unknown) => {
      if (!abort.signal.aborted) setState({ buffer, error: messageOf(why) });
    });
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [cluster, path, container, previous]);
  return state;
}

/** The whole log as a file. */
async function download(cluster: Cluster, { path, container, previous }: Wanted, name: string): Promise<void> {
  const answer = await cluster.api.raw(path, { query: { container, previous }, accept: "*/*" });
  const url = URL.createObjectURL(await answer.blob());
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
