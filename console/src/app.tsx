import { useEffect, useState } from "preact/hooks";
import { discover } from "./api/discovery";
import { ApiError, messageOf } from "./api/http";
import { useMessages } from "./i18n";
import { Notice } from "./parts/notice";
import { Shell } from "./shell/shell";
import { Cluster, ClusterContext } from "./state/cluster";
import { clusterApi, describe, type Description } from "./state/console";
import { addressed, go, href, place } from "./state/router";
import { useSignal } from "./state/signal";
import { firstView } from "./views/views";

/** The page: first what there is to look at, then the cluster that the address names. */
export function App() {
  const say = useMessages();
  const [description, setDescription] = useState<Description>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    describe().then(setDescription, setError);
  }, []);
  if (error) return <NotOpen error={error} />;
  if (!description) return <Notice>{say("app.loading")}</Notice>;
  return <Opened description={description} />;
}

function NotOpen({ error }: { error: unknown }) {
  const say = useMessages();
  if (error instanceof ApiError && error.code === 401) {
    return (
      <Notice title={say("app.signedOut")}>
        <p>{say("app.signedOutHow")}</p>
      </Notice>
    );
  }
  return <Notice title={say("app.unreachable", { cluster: "podlab console" })}>{messageOf(error)}</Notice>;
}

function Opened({ description }: { description: Description }) {
  const say = useMessages();
  const here = useSignal(place);
  const entry = description.clusters.find((each) => each.name === here.cluster);
  const first = description.clusters[0];
  useEffect(() => {
    // Somebody may have gone elsewhere since this was drawn, of which `here` is told later.
    const now = addressed();
    const known = description.clusters.find((each) => each.name === now.cluster);
    if (first && (!known || !now.view)) go(href((known ?? first).name, firstView));
  }, [description, first, here]);
  if (!first) return <Notice title={say("app.noClusters")}>{description.troubles.join("\n")}</Notice>;
  if (!entry) return <Notice>{say("app.loading")}</Notice>;
  return <OfCluster key={entry.name} name={entry.name} description={description} />;
}

/** Finds out what the cluster serves; everything else stands on that. */
function OfCluster({ name, description }: { name: string; description: Description }) {
  const [cluster, setCluster] = useState<Cluster>();
  const [error, setError] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    const api = clusterApi(name);
    const context = description.clusters.length > 1 ? name : "";
    let made: Cluster | undefined;
    discover(api, abort.signal).then(
      (resources) => {
        if (abort.signal.aborted) return;
        made = new Cluster(name, resources, context, api);
        setError(undefined);
        setCluster(made);
      },
      (why: unknown) => {
        if (!abort.signal.aborted) setError(why);
      },
    );
    return () => {
      abort.abort();
      made?.stores.close();
    };
  }, [name, attempt, description]);
  return (
    <ClusterContext.Provider value={cluster}>
      <Shell description={description} ready={cluster !== undefined} error={error} retry={() => setAttempt(attempt + 1)} />
    </ClusterContext.Provider>
  );
}
