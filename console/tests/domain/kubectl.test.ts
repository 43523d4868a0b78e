import { expect, test } from "vitest";
import { kubectl } from "../../src/domain/kubectl";

test("a line names context and namespace where there are any, and quotes what a shell would read", () => {
  expect(kubectl("", "", "get", "pods", "-A")).toBe("kubectl get pods -A");
  expect(kubectl("lab", "web", "get", "pods", "-l", "app in (a,b)")).toBe(
    "kubectl --context lab -n web get pods -l 'app in (a,b)'",
  );
  expect(kubectl("", "", "annotate", "it's")).toBe(`kubectl annotate 'it'\\''s'`);
});
