import { expect, test } from "vitest";
import { withoutManagers } from "../../src/domain/managers";

test("managed fields are left out, and nothing else", () => {
  const text = "kind: Pod\nmetadata:\n  labels:\n    a: b\n  managedFields:\n  - manager: x\n    fieldsV1:\n      f:a: {}\n  name: p\nspec: {}\n";
  expect(withoutManagers(text)).toBe("kind: Pod\nmetadata:\n  labels:\n    a: b\n  name: p\nspec: {}\n");
  const last = "metadata:\n  name: p\n  managedFields:\n  - manager: x\nspec: {}\n";
  expect(withoutManagers(last)).toBe("metadata:\n  name: p\nspec: {}\n");
  expect(withoutManagers("kind: Pod\n")).toBe("kind: Pod\n");
});
