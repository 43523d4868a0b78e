/** Places in the console, and the links that lead there. Pure. */

/** Where in the console somebody is: `#/CLUSTER/VIEW/...?...`. A place is a link that can be passed on. */
export interface Place {
  cluster: string;
  view: string;
  parts: string[];
  query: Record<string, string>;
}

/** Pure: the place that a fragment names. */
export function parsed(fragment: string): Place {
  const [path = "", query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [cluster = "", view = "", ...parts] = path.split("/").map(decoded);
  return { cluster, view, parts: parts.filter(Boolean), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** Pure: the fragment that names a place. */
export function href(cluster: string, view: string, parts: string[] = [], query: Record<string, string> = {}): string {
  const path = [cluster, view, ...parts].map(encodeURIComponent).join("/");
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${path}${words ? `?${words}` : ""}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
