/** Lines for a shell that do what the console does. Pure. */

const PLAIN = /^[\w@%+=:,./-]+$/;

export function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `kubectl` with the words, in a namespace and a context where these are named. Empty words are left out. */
export function kubectl(context: string, namespace: string, ...words: string[]): string {
  const where = [...(context ? ["--context", context] : []), ...(namespace ? ["-n", namespace] : [])];
  return ["kubectl", ...where, ...words].filter(Boolean).map(quoted).join(" ");
}
