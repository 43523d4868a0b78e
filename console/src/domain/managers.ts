/** An object's YAML without `metadata.managedFields`: servers keep them, and people do not write them. Pure. */
export function withoutManagers(text: string): string {
  const lines = text.split("\n");
  const from = lines.findIndex((line) => /^ {2}managedFields:/.test(line));
  if (from < 0) return text;
  const to = lines.findIndex((line, at) => at > from && /^ {0,2}[A-Za-z]/.test(line));
  return [...lines.slice(0, from), ...lines.slice(to < 0 ? lines.length : to)].join("\n");
}
