import type { Api } from "./http";

/** What somebody would do, as RBAC judges it. `resource` may name a subresource: `pods/exec`. */
export interface Deed {
  verb: string;
  group: string;
  resource: string;
  namespace?: string;
  name?: string;
}

/** Asks the cluster once for each deed whether the user may do it; what is not known yet is not allowed. */
export class Rights {
  private readonly asked = new Map<string, Promise<boolean>>();

  constructor(private readonly api: Api) {}

  may(deed: Deed): Promise<boolean> {
    const key = JSON.stringify([deed.verb, deed.group, deed.resource, deed.namespace, deed.name]);
    let answer = this.asked.get(key);
    if (!answer) {
      answer = this.ask(deed).catch(() => {
        this.asked.delete(key); // the next one who wants to know asks again
        return false;
      });
      this.asked.set(key, answer);
    }
    return answer;
  }

  private async ask(deed: Deed): Promise<boolean> {
    const [resource, subresource] = deed.resource.split("/");
    const attributes = { ...deed, resource, ...(subresource ? { subresource } : {}) };
    const review = await this.api.json<{ status?: { allowed?: boolean } }>(
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      {
        method: "POST",
        body: JSON.stringify({
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectAccessReview",
          spec: { resourceAttributes: attributes },
        }),
      },
    );
    return review.status?.allowed === true;
  }
}
