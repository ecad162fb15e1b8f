import { describe, expect, it } from "vitest";

import schema from "../../../config/schema.json";
import paper from "../../../config/paper.json";
import { fresh, isFileOnly, isRecord, named, put, range, resolve, shapeOf, withoutNull, wrong, type Node, type Path, type Root } from "./form";

const root = schema as unknown as Root;
const top = resolve(root, root);

/** Every simple value of a configuration with its schema node. */
function* leaves(given: Node, value: unknown, path: Path): Generator<[Path, Node, unknown]> {
  const { node } = withoutNull(root, given);
  if (value === null || value === undefined) return;
  const shape = shapeOf(root, node, value);
  if (shape.kind === "object" || (shape.kind === "choice" && shape.node !== null)) {
    const properties = (shape.kind === "object" ? node : shape.node)?.properties ?? {};
    for (const [name, one] of Object.entries(properties)) {
      if (isRecord(value) && name in value) yield* leaves(one, value[name], [...path, name]);
    }
  } else if (shape.kind === "list") {
    for (const [i, one] of (value as unknown[]).entries()) yield* leaves(shape.items, one, [...path, i]);
  } else if (shape.kind !== "map") {
    yield [path, given, value];
  }
}

describe("the form of the real schema", () => {
  const found = [...leaves(top, paper, [])];

  it("reaches every value of the paper configuration, and none is wrong", () => {
    expect(found.length).toBeGreaterThan(60);
    for (const [path, node, value] of found) expect([named(path), wrong(root, node, value)]).toEqual([named(path), ""]);
  });

  it("finds a wrong value at its field", () => {
    const node = found.find(([path]) => named(path) === "strategies[0].params.bar_s")?.[1] ?? {};
    expect(wrong(root, node, 1)).toBe("Allowed: 5 to 21600.");
    expect(wrong(root, node, 7.5)).toBe("A whole number.");
    expect(wrong(root, node, "60")).toBe("A whole number.");
    const kind = found.find(([path]) => named(path) === "strategies[0].bracket.stop.kind")?.[1] ?? {};
    expect(wrong(root, kind, "feet")).toMatch(/^One of (?=.*pct)(?=.*rupees)(?=.*atr)/);
    const symbol = found.find(([path]) => named(path) === "instruments[0].symbol")?.[1] ?? {};
    expect(wrong(root, symbol, "infy")).toContain("EXCHANGE:TRADINGSYMBOL");
  });

  it("shows the parameters of the strategy file that is named", () => {
    const params: Node = { type: "object", properties: { period: { type: "integer", minimum: 2, maximum: 9, default: 4 } } };
    const own = { ...root.$defs?.["FileStrategy"], allOf: [{ if: { properties: { file: { const: "mine.py" } } }, then: { properties: { params } } }] };
    const known: Root = { ...root, $defs: { ...root.$defs, FileStrategy: own } };
    const items = resolve(root, top.properties?.["strategies"] ?? {}).items ?? {};
    const shown = (file: string): Node => {
      const shape = shapeOf(known, items, { kind: "file", file });
      return shape.kind === "choice" ? (shape.node?.properties?.["params"] ?? {}) : {};
    };
    expect(shown("mine.py")).toBe(params);
    expect(shapeOf(known, shown("other.py"), {}).kind).toBe("map");
    expect(wrong(known, shown("mine.py").properties?.["period"] ?? {}, 10)).toBe("Allowed: 2 to 9.");
  });

  it("makes new items", () => {
    const strategies = resolve(root, top.properties?.["strategies"] ?? {});
    const made = fresh(root, strategies.items ?? {}) as Record<string, unknown>;
    expect(Object.keys(made).sort()).toEqual(["bracket", "instrument", "kind", "name", "sizing"]);
    expect(fresh(root, { type: "number", exclusiveMinimum: 0 })).toBe(1);
  });
});

describe("values in place", () => {
  const before = { a: { b: [1, 2] }, c: 3 };

  it("puts, adds and takes away without touching what was", () => {
    expect(put(before, ["a", "b", 1], 9)).toEqual({ a: { b: [1, 9] }, c: 3 });
    expect(put(before, ["a", "b", 2], 9)).toEqual({ a: { b: [1, 2, 9] }, c: 3 });
    expect(put(before, ["a", "b", 0], undefined)).toEqual({ a: { b: [2] }, c: 3 });
    expect(put(before, ["c"], undefined)).toEqual({ a: { b: [1, 2] } });
    expect(put(before, ["d", "e"], 1)).toEqual({ ...before, d: { e: 1 } });
    expect(before).toEqual({ a: { b: [1, 2] }, c: 3 });
    expect((put(before, ["c"], 4) as typeof before).a).toBe(before.a);
  });

  it("knows what only the file may change", () => {
    const only = ["paths", "broker.rest_url", "web.names"];
    for (const path of ["paths", "paths.var", "broker.rest_url", "web.names[0]"]) expect(isFileOnly(path, only)).toBe(true);
    for (const path of ["", "broker", "broker.rest_url_x", "web", "pathsx"]) expect(isFileOnly(path, only)).toBe(false);
  });

  it("names places as the engine does", () => {
    expect(named(["strategies", 0, "sizing", "value"])).toBe("strategies[0].sizing.value");
    expect(range({ exclusiveMinimum: 0, maximum: 50 })).toBe("more than 0 to 50");
    expect(range({ minimum: 3 })).toBe("at least 3");
  });
});
