import { ApiError, type Api, type Query, isGone, messageOf } from "./http";
import { lines } from "./lines";
import { messages } from "./messages";
import { pause } from "./pause";
import type { ListMeta, Status, WatchEvent } from "./types";

/** What a followed list tells. `replaced` comes with the whole list: at first, and whenever changes were missed. */
export interface Followed<L, E> {
  replaced(lists: L[]): void;
  changed(events: WatchEvent<E>[]): void;
  state(state: WatchState): void;
}

export type WatchState =
  | { is: "loading" }
  | { is: "live" }
  /** Since `since` (ms since 1970) nothing new is known; it is tried again. */
  | { is: "broken"; since: number; why: string }
  | { is: "refused"; error: ApiError };

export interface Source {
  path: string;
  accept?: string;
  query?: Query;
  /**
   * Whether changes come through a WebSocket: of plain HTTP, browsers keep six connections to a server at most, and a
   * watch holds one for as long as it lasts. A WebSocket cannot ask for another form than the objects' own.
   */
  socket?: boolean;
}

interface Listed {
  metadata: ListMeta;
}

const PAGE = 500;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** The server ends a watch in the end; so do we, where a connection died and nobody told us. */
const WATCHED_S = 290;
const FINAL = new Set([400, 401, 403, 404, 405]);

/**
 * Lists, then watches from there until `signal` aborts. A watch that breaks goes on from the last revision that it
 * told of; where the server has forgotten that, everything is listed anew.
 */
export async function follow<L extends Listed, E>(
  api: Api,
  source: Source,
  told: Followed<L, E>,
  signal: AbortSignal,
): Promise<void> {
  const following = new Following<L, E>(api, source, told, signal);
  await following.run();
}

class Following<L extends Listed, E> {
  private revision = "";
  private pauseMs = FIRST_PAUSE_MS;
  private brokenSince = 0;

  constructor(
    private readonly api: Api,
    private readonly source: Source,
    private readonly told: Followed<L, E>,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    this.told.state({ is: "loading" });
    while (!this.signal.aborted) {
      try {
        if (!this.revision) await this.list();
        await this.watch();
      } catch (error) {
        if (isGone(error)) this.revision = "";
        else if (!(await this.survives(error))) return;
      }
    }
  }

  private async list(): Promise<void> {
    const pages: L[] = [];
    let next: string | undefined;
    do {
      const page = await this.api.json<L>(this.source.path, {
        ...this.accepting(),
        query: { ...this.source.query, limit: PAGE, continue: next },
      });
      pages.push(page);
      next = page.metadata.continue;
      this.revision = page.metadata.resourceVersion ?? "";
    } while (next);
    this.told.replaced(pages);
    this.works();
  }

  private async watch(): Promise<void> {
    const query = {
      ...this.source.query,
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: this.revision,
      timeoutSeconds: WATCHED_S,
    };
    for await (const line of this.source.socket ? this.heard(query) : this.read(query)) {
      if (line) this.take(JSON.parse(line) as WatchEvent<E>);
    }
  }

  private async *read(query: Query): AsyncGenerator<string> {
    const answer = await this.api.raw(this.source.path, { ...this.accepting(), query });
    if (!answer.body) throw new ApiError(0, "Unreachable", "the answer has no body");
    this.works();
    yield* lines(answer.body);
  }

  /** Where no stream is opened, a list says why: it is refused, or the revision is forgotten. */
  private async *heard(query: Query): AsyncGenerator<string> {
    const from = this.revision;
    this.revision = "";
    const words = Object.entries(query).flatMap(([name, value]): [string, string][] => (value === undefined || value === "" ? [] : [[name, String(value)]]));
    for await (const message of messages(this.api.socket(this.source.path, words), this.signal)) {
      this.revision ||= from;
      yield message;
    }
    this.revision ||= from;
  }

  private take(event: WatchEvent<E>): void {
    if (event.type === "ERROR") {
      const status = event.object as unknown as Status;
      throw new ApiError(status.code ?? 500, status.reason ?? "", status.message ?? "the watch ended");
    }
    this.revision = revisionOf(event.object) || this.revision;
    if (event.type !== "BOOKMARK") this.told.changed([event]);
  }

  private works(): void {
    this.pauseMs = FIRST_PAUSE_MS;
    this.brokenSince = 0;
    this.told.state({ is: "live" });
  }

  /** Says what is wrong, and waits before the next attempt; false where another one would be refused as well. */
  private async survives(error: unknown): Promise<boolean> {
    if (error instanceof ApiError && FINAL.has(error.code)) {
      this.told.state({ is: "refused", error });
      return false;
    }
    if (this.signal.aborted) return false;
    this.brokenSince ||= Date.now();
    this.told.state({ is: "broken", since: this.brokenSince, why: messageOf(error) });
    await pause(this.pauseMs, this.signal);
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    return true;
  }

  private accepting(): { accept?: string; signal: AbortSignal } {
    return { ...(this.source.accept ? { accept: this.source.accept } : {}), signal: this.signal };
  }
}

/** An object's revision, or that of a Table's row. */
function revisionOf(object: unknown): string {
  const found = object as { metadata?: ListMeta; rows?: { object?: { metadata?: ListMeta } }[] };
  return found.rows?.[0]?.object?.metadata?.resourceVersion ?? found.metadata?.resourceVersion ?? "";
}
