import { useState } from "preact/hooks";
import { type Resource, resourceName } from "../../api/discovery";
import { matches } from "../../domain/rows";
import { useMessages } from "../../i18n";
import { useCluster } from "../../state/cluster";
import { href } from "../../state/router";

/** The kinds that the cluster serves, by their groups. */
export function Kinds({ chosen }: { chosen: Resource }) {
  const say = useMessages();
  const cluster = useCluster();
  const [filter, setFilter] = useState("");
  const shown = cluster.resources.filter((each) => matches(filter, [each.kind, each.plural, each.group, ...each.shortNames]));
  const groups = Map.groupBy(shown, (each) => each.group);
  return (
    <details class="kinds" open={innerWidth > 900}>
      <summary>
        {say("objects.kinds")}: <strong>{chosen.kind}</strong>
      </summary>
      <input
        type="text"
        placeholder={say("objects.filterKinds")}
        aria-label={say("objects.filterKinds")}
        value={filter}
        onInput={(event) => setFilter(event.currentTarget.value)}
      />
      <div class="kinds-list">
        {[...groups].map(([group, kinds]) => (
          <section key={group}>
            <h2>{group || say("objects.core")}</h2>
            <ul>
              {kinds.map((each) => (
                <li key={each.plural}>
                  <a
                    href={href(cluster.name, "objects", [resourceName(each)])}
                    aria-current={each === chosen ? "page" : undefined}
                  >
                    {each.kind}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </details>
  );
}
