import type { DiffLine } from "../domain/diff";
import { useMessages } from "../i18n";

const MARKS = { same: " ", added: "+", removed: "-" };

/** Lines that were added or removed, with those around them. */
export function DiffLines({ lines }: { lines: DiffLine[] }) {
  const say = useMessages();
  if (!lines.length) return <p>{say("yaml.same")}</p>;
  return (
    <pre class="diff" tabIndex={0} aria-label={say("yaml.changes")}>
      {lines.map((line, at) => (
        <span key={at} data-is={line.is}>
          {MARKS[line.is]} {line.text}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
