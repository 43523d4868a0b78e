import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../api/http";
import { useMessages } from "../i18n";
import { Lazy } from "../parts/lazy";
import { Notice } from "../parts/notice";
import type { Description } from "../state/console";
import { go, href, place } from "../state/router";
import { useSignal } from "../state/signal";
import { VIEWS, viewOf } from "../views/views";
import { Bar } from "./bar";
import { Help } from "./help";
import { listenToKeys } from "./keys";

interface Props {
  description: Description;
  ready: boolean;
  error: unknown;
  retry: () => void;
}

/** What stands around every view: the bar, the list of views, and the keyboard. */
export function Shell({ description, ready, error, retry }: Props) {
  const say = useMessages();
  const here = useSignal(place);
  const [helping, setHelping] = useState(false);
  const main = useRef<HTMLElement>(null);
  const view = viewOf(here.view);
  useEffect(
    () => listenToKeys({ help: () => setHelping(true), go: (id) => go(href(place.value.cluster, id)) }),
    [],
  );
  useEffect(() => {
    document.title = [...here.parts.slice(-1), say(view.title), here.cluster, "Podlab"].join(" · ");
  });
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        {say("app.skip")}
      </a>
      <Bar description={description} ready={ready} help={() => setHelping(true)} />
      <nav class="views" aria-label={say("nav.main")}>
        {VIEWS.map((each) => (
          <a
            key={each.id}
            href={href(here.cluster, each.id)}
            aria-current={each.id === view.id ? "page" : undefined}
          >
            <span class="view-icon" aria-hidden="true">
              {each.icon}
            </span>
            {say(each.title)}
          </a>
        ))}
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        {error !== undefined && <Unreachable cluster={here.cluster} error={error} retry={retry} />}
        {error === undefined && !ready && <Notice>{say("app.loading")}</Notice>}
        {error === undefined && ready && <Lazy key={view.id} load={view.load} />}
      </main>
      {helping && <Help close={() => setHelping(false)} />}
    </div>
  );
}

function Unreachable({ cluster, error, retry }: { cluster: string; error: unknown; retry: () => void }) {
  const say = useMessages();
  return (
    <Notice title={say("app.unreachable", { cluster })}>
      <p>{messageOf(error)}</p>
      <button type="button" onClick={retry}>
        {say("app.retry")}
      </button>
    </Notice>
  );
}
