import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { messageOf } from "../api/http";
import { useMessages } from "../i18n";
import { Dialog } from "./dialog";
import { KubectlLine } from "./kubectl-line";

interface Props {
  title: string;
  /** What the button says. */
  verb: string;
  danger?: boolean;
  /** Whether it is known what would be done. */
  ready?: boolean;
  line: string;
  run: () => Promise<unknown>;
  close: () => void;
  children?: ComponentChildren;
}

/** Asks before something is done, with the line that does the same, and says why where it was refused. */
export function DeedDialog({ title, verb, danger = false, ready = true, line, run, close, children }: Props) {
  const say = useMessages();
  const [error, setError] = useState("");
  const [running, setRunning] = useState(false);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setRunning(true);
    run().then(close, (why: unknown) => {
      setError(messageOf(why));
      setRunning(false);
    });
  };
  return (
    <Dialog title={title} close={close}>
      <form class="deed" onSubmit={submit}>
        {children}
        <KubectlLine line={line} />
        {error && (
          <p class="refusal" role="alert">
            {error}
          </p>
        )}
        <footer>
          <button type="button" onClick={close}>
            {say("deed.cancel")}
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={running || !ready}>
            {verb}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
