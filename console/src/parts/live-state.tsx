import type { Live } from "../api/store";
import { useMessages } from "../i18n";

/** Whether what is shown is of now; and when it was not, since when. */
export function LiveState({ live }: { live: Pick<Live<unknown>, "state" | "gapAt"> }) {
  const say = useMessages();
  const { state, gapAt } = live;
  const clock = (ms: number) => new Date(ms).toLocaleTimeString();
  const told = {
    loading: () => say("live.loading"),
    live: () => say("live.live"),
    broken: () => (state.is === "broken" ? say("live.broken", { time: clock(state.since), why: state.why }) : ""),
    refused: () => (state.is === "refused" ? say("live.refused", { why: state.error.message }) : ""),
  }[state.is]();
  return (
    <span class="live" data-state={state.is} role="status">
      {told}
      {gapAt > 0 && <span class="gap"> {say("live.gap", { time: clock(gapAt) })}</span>}
    </span>
  );
}
