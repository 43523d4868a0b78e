import { useEffect, useState } from "preact/hooks";

/** A value that components follow. */
export class Signal<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (value === this.current) return;
    this.current = value;
    for (const listener of [...this.listeners]) listener();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** Calls back when the value is no longer the one that was seen: also at once, if it changed before anybody followed it. */
export function follow<T>(signal: Signal<T>, seen: T, changed: () => void): () => void {
  const stop = signal.subscribe(changed);
  if (signal.value !== seen) changed();
  return stop;
}

/** The value now, and again whenever it changes. */
export function useSignal<T>(signal: Signal<T>): T {
  const [, redraw] = useState(0);
  const seen = signal.value;
  // The value may change between the drawing, which reads it, and this effect, which comes after the painting.
  useEffect(() => follow(signal, seen, () => redraw((n) => n + 1)), [signal]);
  return seen;
}
