/** Kubernetes' remote command protocol over a WebSocket (v5.channel.k8s.io): the first byte of a frame is its channel. */

export const PROTOCOL = "v5.channel.k8s.io";
export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;
export const FAILURE = 3;
export const RESIZE = 4;
const CLOSE = 255;

export function framed(channel: number, text: string): Uint8Array<ArrayBuffer> {
  const content = new TextEncoder().encode(text);
  const frame = new Uint8Array(content.length + 1);
  frame[0] = channel;
  frame.set(content, 1);
  return frame;
}

export function resized(columns: number, rows: number): Uint8Array<ArrayBuffer> {
  return framed(RESIZE, JSON.stringify({ Width: columns, Height: rows }));
}

/** Says that nothing more comes on the channel. */
export function closed(channel: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(CLOSE, channel);
}

/** How a command ended, as the last message says: 0, its own code, or why it did not run. Pure. */
export function ending(text: string): { code: number; message: string } {
  try {
    const status = JSON.parse(text) as {
      status?: string;
      message?: string;
      details?: { causes?: { reason?: string; message?: string }[] };
    };
    if (status.status === "Success") return { code: 0, message: "" };
    const code = status.details?.causes?.find((each) => each.reason === "ExitCode")?.message;
    return { code: code ? Number(code) : -1, message: status.message ?? text };
  } catch {
    return { code: -1, message: text };
  }
}
