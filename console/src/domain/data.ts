/** What a ConfigMap or a Secret holds. Pure. */

export interface DataObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

/** One key. `text` is undefined where the bytes are no text. */
export interface Entry {
  key: string;
  bytes: number;
  text: string | undefined;
}

/** All keys in order. A Secret's values are base64, as a ConfigMap's binary ones are. */
export function entries(kind: string, { data = {}, binaryData = {} }: DataObject): Entry[] {
  const told = (key: string, bytes: Uint8Array): Entry => ({ key, bytes: bytes.length, text: textOf(bytes) });
  const plain = Object.entries(data).map(([key, value]) => told(key, kind === "Secret" ? decoded(value) : new TextEncoder().encode(value)));
  const binary = Object.entries(binaryData).map(([key, value]) => told(key, decoded(value)));
  return [...plain, ...binary].toSorted((one, other) => one.key.localeCompare(other.key));
}

/** The same keys without what they hold. */
export function concealed(found: Entry[]): Entry[] {
  return found.map(({ key, bytes }) => ({ key, bytes, text: undefined }));
}

function decoded(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
