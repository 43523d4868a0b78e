import { parseAllDocuments } from "yaml";
import type { Resource } from "../api/discovery";

/** One object of a manifest, with where it is applied. */
export interface Manifest {
  resource: Resource;
  namespace: string;
  name: string;
  body: string;
}

export type Fault = "syntax" | "untyped" | "unserved" | "nameless";

/** What is wrong with a manifest, and in which of its documents, counted from 1. `value` is what stands there. */
export class ManifestError extends Error {
  constructor(
    readonly document: number,
    readonly fault: Fault,
    readonly value: string,
  ) {
    super(`document ${document}: ${fault} ${value}`);
    this.name = "ManifestError";
  }
}

interface Written {
  apiVersion?: unknown;
  kind?: unknown;
  items?: unknown;
  metadata?: { name?: unknown; namespace?: unknown } | null;
}

type KindOf = (apiVersion: string, kind: string) => Resource | undefined;

/** The objects of a YAML or JSON text, of its Lists too. Those of no namespace go to `namespace`. Raises ManifestError. Pure. */
export function manifests(text: string, kindOf: KindOf, namespace: string): Manifest[] {
  const documents = parseAllDocuments(text);
  return [...documents].flatMap((document, at) => {
    const [error] = document.errors;
    if (error) throw new ManifestError(at + 1, "syntax", error.message);
    const written = document.toJS() as Written | null;
    if (written === null) return []; // nothing but comments
    const all = written.kind === "List" && Array.isArray(written.items) ? (written.items as Written[]) : [written];
    return all.map((each) => manifest(each, at + 1, kindOf, namespace));
  });
}

function manifest(written: Written, at: number, kindOf: KindOf, within: string): Manifest {
  const { apiVersion, kind, metadata } = written;
  if (typeof apiVersion !== "string" || typeof kind !== "string") throw new ManifestError(at, "untyped", "");
  const resource = kindOf(apiVersion, kind);
  if (!resource) throw new ManifestError(at, "unserved", `${apiVersion} ${kind}`);
  if (typeof metadata?.name !== "string" || !metadata.name) throw new ManifestError(at, "nameless", kind);
  const namespace = resource.namespaced ? (typeof metadata.namespace === "string" ? metadata.namespace : within || "default") : "";
  return { resource, namespace, name: metadata.name, body: JSON.stringify(written) };
}
