import type { Pod } from "../../api/pods";
import type { Live } from "../../api/store";
import { useCluster, useLive } from "../../state/cluster";

/** One pod, live; undefined while it is not known or there is none. */
export function usePod(namespace: string, name: string): { pod: Pod | undefined; live: Live<Pod> } {
  const { stores } = useCluster();
  const live = useLive(
    stores.objects<Pod>({
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
      query: { fieldSelector: `metadata.name=${name}` },
    }),
  );
  return { pod: [...live.items.values()][0], live };
}

/** The names of a pod's containers, those first that do its work. Pure. */
export function containerNames(pod: Pod | undefined): string[] {
  if (!pod) return [];
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  return [...containers, ...initContainers, ...ephemeralContainers].map((each) => each.name);
}
