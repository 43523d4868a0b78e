import { Api } from "../api/http";

export interface ClusterEntry {
  name: string;
  server: string;
  namespace: string;
}

/** What serves this page says of itself: which clusters it leads to. */
export interface Description {
  version: string;
  clusters: ClusterEntry[];
  troubles: string[];
}

const own = new Api(new URL(".", document.baseURI).pathname.replace(/\/$/, ""));

/** Raises ApiError: 401 where this browser has no session. */
export function describe(): Promise<Description> {
  return own.json<Description>("/console.json");
}

export function clusterApi(name: string): Api {
  return new Api(`${own.base}/clusters/${encodeURIComponent(name)}`);
}
