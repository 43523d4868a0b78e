import { useEffect } from "preact/hooks";
import { Signal, useSignal } from "./signal";

const EVERY_MS = 5_000;
const now = new Signal(Date.now());
let followers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The time (ms since 1970), again every five seconds; one clock for all that show ages. */
export function useNow(): number {
  useEffect(() => {
    followers += 1;
    now.set(Date.now());
    timer ??= setInterval(() => now.set(Date.now()), EVERY_MS);
    return () => {
      followers -= 1;
      if (followers) return;
      clearInterval(timer);
      timer = undefined;
    };
  }, []);
  return useSignal(now);
}
