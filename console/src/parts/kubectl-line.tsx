import { useMessages } from "../i18n";
import { CopyButton } from "./copy-button";

/** The line for a shell that does the same as what is looked at, or as what is about to be done. */
export function KubectlLine({ line }: { line: string }) {
  const say = useMessages();
  return (
    <div class="kubectl" role="group" aria-label={say("kubectl.label")}>
      <code>{line}</code>
      <CopyButton text={line} />
    </div>
  );
}
