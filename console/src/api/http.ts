import type { Status } from "./types";

/** A refusal or a failure of one request. `code` is HTTP's, and 0 where no answer came; `causes` say more. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly causes: string[] = [],
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface Request {
  method?: string;
  query?: Query;
  body?: string;
  contentType?: string;
  accept?: string;
  signal?: AbortSignal;
}

const JSON_TYPE = "application/json";

/** A path with its query; what is undefined or empty is left out. */
export function withQuery(path: string, query: Query = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") words.append(name, String(value));
  }
  const text = words.toString();
  return text ? `${path}?${text}` : path;
}

/** One cluster's REST API. Raises ApiError. */
export class Api {
  constructor(readonly base: string) {}

  async raw(path: string, request: Request = {}): Promise<Response> {
    const headers: Record<string, string> = { Accept: request.accept ?? JSON_TYPE };
    if (request.body !== undefined) headers["Content-Type"] = request.contentType ?? JSON_TYPE;
    let answer: Response;
    try {
      answer = await fetch(this.base + withQuery(path, request.query), {
        method: request.method ?? "GET",
        headers,
        body: request.body ?? null,
        signal: request.signal ?? null,
        redirect: "error",
      });
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw new ApiError(0, "Unreachable", messageOf(error));
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  async json<T>(path: string, request: Request = {}): Promise<T> {
    return (await (await this.raw(path, request)).json()) as T;
  }

  async text(path: string, request: Request = {}): Promise<string> {
    return (await this.raw(path, request)).text();
  }

  /** Where a WebSocket for the path is opened. */
  socket(path: string, query: [string, string][]): string {
    const words = new URLSearchParams(query).toString();
    const url = new URL(`${this.base}${path}?${words}`, document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url.href;
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  const text = await answer.text();
  try {
    const status = JSON.parse(text) as Status;
    const causes = status.details?.causes?.flatMap((each) => each.message ?? []) ?? [];
    return new ApiError(answer.status, status.reason ?? "", status.message ?? text, causes);
  } catch {
    return new ApiError(answer.status, answer.statusText, text || answer.statusText);
  }
}

/** What there is to tell of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
}

export function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 410 || error.reason === "Expired");
}

export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}
