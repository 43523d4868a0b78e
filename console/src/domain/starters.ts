import { stringify } from "yaml";
import { apiVersion, type Resource } from "../api/discovery";

/** What a form asks for. */
export interface Wanted {
  name: string;
  image: string;
  replicas: number;
  port: number;
}

export type Field = "image" | "replicas" | "port";

interface Starter {
  fields: Field[];
  body: (wanted: Wanted) => object;
}

const container = ({ name, image, port }: Wanted) => ({ name, image, ...(port ? { ports: [{ containerPort: port }] } : {}) });

function deployment(wanted: Wanted): object {
  const labels = { app: wanted.name };
  return {
    spec: {
      replicas: wanted.replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container(wanted)] } },
    },
  };
}

/** By `kind`: what is asked for, and what it makes. */
const STARTERS: Record<string, Starter> = {
  Deployment: { fields: ["image", "replicas", "port"], body: deployment },
  Pod: { fields: ["image", "port"], body: (wanted) => ({ spec: { containers: [container(wanted)] } }) },
  Service: { fields: ["port"], body: ({ name, port }) => ({ spec: { selector: { app: name }, ports: [{ port: port || 80 }] } }) },
  ConfigMap: { fields: [], body: () => ({ data: { key: "value" } }) },
  Secret: { fields: [], body: () => ({ stringData: { key: "value" } }) },
  Job: {
    fields: ["image"],
    body: (wanted) => ({ spec: { template: { spec: { restartPolicy: "Never", containers: [container({ ...wanted, port: 0 })] } } } }),
  },
  CronJob: {
    fields: ["image"],
    body: (wanted) => ({
      spec: {
        schedule: "0 * * * *",
        jobTemplate: { spec: { template: { spec: { restartPolicy: "Never", containers: [container({ ...wanted, port: 0 })] } } } },
      },
    }),
  },
};

export function fieldsOf(resource: Resource): Field[] {
  return STARTERS[resource.kind]?.fields ?? [];
}

/** The beginning of an object of the kind, as YAML. Pure. */
export function starter(resource: Resource, wanted: Wanted): string {
  const head = { apiVersion: apiVersion(resource), kind: resource.kind, metadata: { name: wanted.name } };
  const whole = { ...head, ...(STARTERS[resource.kind]?.body(wanted) ?? { spec: {} }) };
  return stringify(whole, { aliasDuplicateObjects: false });
}
