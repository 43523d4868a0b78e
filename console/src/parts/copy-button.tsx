import { useEffect, useState } from "preact/hooks";
import { useMessages } from "../i18n";

const SHOWN_MS = 1500;

export function CopyButton({ text }: { text: string }) {
  const say = useMessages();
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button type="button" class="quiet small" onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}>
      <span aria-live="polite">{done ? say("copy.done") : say("copy.do")}</span>
    </button>
  );
}
