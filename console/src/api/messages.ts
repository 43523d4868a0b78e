import { ApiError } from "./http";

/**
 * The messages of a WebSocket as they arrive, until either side closes it. Raises ApiError where none is opened: a
 * browser does not say why.
 */
export async function* messages(url: string, signal: AbortSignal): AsyncGenerator<string> {
  const waiting: string[] = [];
  const state = { opened: false, over: false };
  let wake = (): void => undefined;
  const socket = new WebSocket(url);
  const close = () => socket.close();
  socket.onopen = () => {
    state.opened = true;
  };
  socket.onmessage = (event: MessageEvent<string>) => {
    waiting.push(event.data);
    wake();
  };
  socket.onclose = () => {
    state.over = true;
    wake();
  };
  signal.addEventListener("abort", close);
  try {
    while (!state.over || waiting.length) {
      yield* waiting.splice(0);
      if (!state.over && !waiting.length) await new Promise<void>((resolve) => (wake = resolve));
    }
    if (!state.opened) throw new ApiError(0, "Unreachable", "the stream could not be opened");
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
