import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { ending, FAILURE, framed, PROTOCOL, resized, STDERR, STDIN, STDOUT } from "../../api/channels";
import { kubectl } from "../../domain/kubectl";
import { useMessages } from "../../i18n";
import { KubectlLine } from "../../parts/kubectl-line";
import { Select } from "../../parts/select";
import { useCluster, useMay } from "../../state/cluster";
import { nonce } from "../../state/nonce";
import type { ObjectProps } from "../objects/tabs";
import { containerNames, usePod } from "./use-pod";

const SHELL = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh"];

/** A shell in a container. */
export function TerminalTab({ namespace, name }: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const names = containerNames(usePod(namespace, name).pod);
  const [chosen, setChosen] = useState("");
  const [attempt, setAttempt] = useState(0);
  const [ended, setEnded] = useState("");
  const container = chosen || names[0] || "";
  const may = useMay({ verb: "create", group: "", resource: "pods/exec", namespace, name });
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/exec`;
  const url = cluster.api.socket(path, [
    ["container", container],
    ["stdin", "true"],
    ["stdout", "true"],
    ["tty", "true"],
    ...SHELL.map((word): [string, string] => ["command", word]),
  ]);
  if (!may) return <p class="empty">{say("terminal.mayNot")}</p>;
  return (
    <>
      <div class="row">
        <Select label={say("logs.container")} value={container} options={names.map((each) => [each, each])} choose={setChosen} />
        <button type="button" onClick={() => setAttempt(attempt + 1)}>
          {say("terminal.anew")}
        </button>
        <span role="status">{ended}</span>
      </div>
      {container && <Screen key={`${url} ${attempt}`} url={url} label={say("tab.terminal")} ended={(why) => setEnded(why ? say("terminal.ended", { why }) : "")} />}
      <KubectlLine line={kubectl(cluster.context, namespace, "exec", "-it", name, "-c", container, "--", "sh")} />
    </>
  );
}

function Screen({ url, label, ended }: { url: string; label: string; ended: (why: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!box.current) return;
    ended("");
    return connected(box.current, url, ended);
  }, [url]);
  return <div class="terminal-box" ref={box} role="group" aria-label={label} />;
}

/** Ties a terminal to a stream; returns what ends both. */
function connected(box: HTMLElement, url: string, ended: (why: string) => void): () => void {
  const terminal = new Terminal({
    cursorBlink: true,
    fontFamily: getComputedStyle(box).getPropertyValue("--mono"),
    fontSize: 14,
    screenReaderMode: true,
    theme: { background: "#0b111c", foreground: "#e6ecf5" },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  markingStyles(() => terminal.open(box));
  const socket = new WebSocket(url, PROTOCOL);
  socket.binaryType = "arraybuffer";
  let why = "";
  socket.onopen = () => {
    fit.fit();
    socket.send(resized(terminal.cols, terminal.rows));
    terminal.focus();
  };
  socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
    const frame = new Uint8Array(event.data);
    if (frame[0] === STDOUT || frame[0] === STDERR) terminal.write(frame.subarray(1));
    if (frame[0] === FAILURE) {
      const end = ending(new TextDecoder().decode(frame.subarray(1)));
      why = end.message || `exit ${end.code}`;
    }
  };
  socket.onclose = (event) => ended(why || event.reason || `${event.code}`);
  const open = (send: () => void) => {
    if (socket.readyState === WebSocket.OPEN) send();
  };
  terminal.onData((text) => open(() => socket.send(framed(STDIN, text))));
  terminal.onResize(({ cols, rows }) => open(() => socket.send(resized(cols, rows))));
  const resize = new ResizeObserver(() => fit.fit());
  resize.observe(box);
  return () => {
    resize.disconnect();
    socket.onclose = null;
    socket.close();
    terminal.dispose();
  };
}

/**
 * Runs what opens a terminal. The style sheets that xterm.js makes meanwhile carry the nonce that the page's policy wants. Its option
 * `documentOverride` would not do: it makes one of them by the page's own document all the same.
 */
function markingStyles(open: () => void): void {
  const create: unknown = Reflect.get(document, "createElement");
  if (!(create instanceof Function)) throw new TypeError("no document.createElement");
  const value = (tag: string) => {
    const made: unknown = create.call(document, tag);
    if (made instanceof HTMLStyleElement) made.nonce = nonce();
    return made;
  };
  Object.defineProperty(document, "createElement", { configurable: true, value });
  try {
    open();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}
