import { VIEWS } from "../views/views";

interface Wanted {
  help: () => void;
  go: (view: string) => void;
}

const SECOND_KEY_WITHIN_MS = 1500;

/** The keyboard of all views: `/`, `?`, and `g` with a view's letter. Returns what ends it. */
export function listenToKeys(wanted: Wanted): () => void {
  let goSince = -Infinity;
  const pressed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isWritten(event.target)) {
      if (event.key === "Escape") (event.target as HTMLElement).blur();
      return;
    }
    const asked = event.timeStamp - goSince < SECOND_KEY_WITHIN_MS;
    goSince = -Infinity;
    const view = asked ? VIEWS.find((each) => each.key === event.key) : undefined;
    if (view) wanted.go(view.id);
    else if (event.key === "g") goSince = event.timeStamp;
    else if (event.key === "?") wanted.help();
    else if (event.key === "/") document.querySelector<HTMLInputElement>("main input[type=search]")?.focus();
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

/** Whether keys are text there, or something's own. */
function isWritten(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input, textarea, select, dialog, .terminal") !== null)
  );
}
