import type { Tone } from "../domain/pod-state";

const MARKS: Record<Tone, string> = { good: "●", busy: "◐", warn: "▲", bad: "✖", done: "✔" };

/** A state: a word, a colour, and a mark for whoever sees no colours. */
export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span class="badge" data-tone={tone}>
      <span aria-hidden="true">{MARKS[tone]}</span> {children}
    </span>
  );
}
