import { expect, test } from "vitest";
import { follow, Signal } from "../../src/state/signal";

test("a follower hears of each change until it stops", () => {
  const signal = new Signal(1);
  let heard = 0;
  const stop = follow(signal, 1, () => heard++);
  signal.set(2);
  signal.set(2);
  expect(heard).toBe(1);
  stop();
  signal.set(3);
  expect(heard).toBe(1);
});

test("a change between the look and the following is heard of at once", () => {
  const signal = new Signal(1);
  const seen = signal.value;
  signal.set(2);
  let heard = 0;
  follow(signal, seen, () => heard++);
  expect(heard).toBe(1);
});
