// A form out of a JSON Schema: which field is shown for a node, whether a value may stand there, and how a value is put in place.
// Pure functions; a configuration is never changed in place.

export interface Node {
  $ref?: string;
  type?: string;
  enum?: readonly (string | number)[];
  const?: string | number;
  anyOf?: readonly Node[];
  properties?: Readonly<Record<string, Node>>;
  required?: readonly string[];
  items?: Node;
  additionalProperties?: Node | boolean;
  description?: string;
  title?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  examples?: readonly string[];
  /** What another value beside it adds: of a strategy file, its own parameters. */
  allOf?: readonly { if: { properties: Readonly<Record<string, Node>> }; then: { properties: Readonly<Record<string, Node>> } }[];
  discriminator?: { propertyName: string; mapping: Readonly<Record<string, string>> };
}

export interface Root extends Node {
  $defs?: Readonly<Record<string, Node>>;
}

export type Path = readonly (string | number)[];

export type Shape =
  | { kind: "object"; node: Node }
  | { kind: "choice"; tag: string; names: readonly string[]; node: Node | null }
  | { kind: "list"; node: Node; items: Node }
  | { kind: "map"; node: Node }
  | { kind: "pick"; options: readonly (string | number)[] }
  | { kind: "number"; node: Node; whole: boolean }
  | { kind: "text"; node: Node }
  | { kind: "flag" };

export function resolve(root: Root, node: Node): Node {
  const name = node.$ref?.split("/").at(-1);
  if (name === undefined) return node;
  const found = root.$defs?.[name] ?? {};
  return { ...resolve(root, found), ...(node.default === undefined ? {} : { default: node.default }) };
}

/** Whether null may stand here, and the node without it. */
export function withoutNull(root: Root, node: Node): { node: Node; nullable: boolean } {
  const whole = resolve(root, node);
  if (whole.anyOf === undefined || whole.discriminator !== undefined) return { node: whole, nullable: false };
  const others = whole.anyOf.filter((one) => one.type !== "null");
  const [only] = others;
  const nullable = others.length < whole.anyOf.length;
  return { node: others.length === 1 && only !== undefined ? resolve(root, only) : whole, nullable };
}

/** The node with what its conditions add for this value. */
function narrowed(node: Node, value: unknown): Node {
  const found = node.allOf?.find((one) => Object.entries(one.if.properties).every(([name, want]) => isRecord(value) && value[name] === want.const));
  return found === undefined ? node : { ...node, properties: { ...node.properties, ...found.then.properties } };
}

export function shapeOf(root: Root, node: Node, value: unknown): Shape {
  if (node.discriminator !== undefined) {
    const { propertyName: tag, mapping } = node.discriminator;
    const name = isRecord(value) ? value[tag] : undefined;
    const ref = typeof name === "string" ? mapping[name] : undefined;
    return { kind: "choice", tag, names: Object.keys(mapping), node: ref === undefined ? null : narrowed(resolve(root, { $ref: ref }), value) };
  }
  if (node.enum !== undefined) return { kind: "pick", options: node.enum };
  if (node.const !== undefined) return { kind: "pick", options: [node.const] };
  if (node.type === "object" && node.properties !== undefined) return { kind: "object", node };
  if (node.type === "object") return { kind: "map", node };
  if (node.type === "array") return { kind: "list", node, items: node.items ?? {} };
  if (node.type === "integer" || node.type === "number") return { kind: "number", node, whole: node.type === "integer" };
  return node.type === "boolean" ? { kind: "flag" } : { kind: "text", node };
}

/** Why a simple value may not stand here; empty when it may. */
export function wrong(root: Root, given: Node, value: unknown): string {
  const { node, nullable } = withoutNull(root, given);
  if (value === null) return nullable ? "" : "This must be given.";
  const shape = shapeOf(root, node, value);
  if (shape.kind === "pick") return shape.options.includes(value as string) ? "" : `One of ${shape.options.join(", ")}.`;
  if (shape.kind === "number") return wrongNumber(node, value, shape.whole);
  if (shape.kind === "text") return wrongText(node, value);
  if (shape.kind === "flag") return typeof value === "boolean" ? "" : "On or off.";
  return "";
}

function wrongNumber(node: Node, value: unknown, whole: boolean): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return whole ? "A whole number." : "A number.";
  if (whole && !Number.isInteger(value)) return "A whole number.";
  const fits =
    value >= (node.minimum ?? -Infinity) &&
    value <= (node.maximum ?? Infinity) &&
    value > (node.exclusiveMinimum ?? -Infinity) &&
    value < (node.exclusiveMaximum ?? Infinity);
  return fits ? "" : `Allowed: ${range(node)}.`;
}

function wrongText(node: Node, value: unknown): string {
  if (typeof value !== "string") return "A text.";
  if (value.length < (node.minLength ?? 0) || value.length > (node.maxLength ?? Infinity)) return `Allowed: ${range(node)}.`;
  if (node.pattern !== undefined && !new RegExp(node.pattern, "u").test(value)) return node.description ?? `It must match ${node.pattern}.`;
  return "";
}

/** "1 to 10", "more than 0", "at most 32 characters"; empty where everything is allowed. */
export function range(node: Node): string {
  if (node.maxLength !== undefined || node.minLength !== undefined) return `${node.minLength ?? 0} to ${node.maxLength ?? "any number of"} characters`;
  const low = node.minimum ?? node.exclusiveMinimum;
  const high = node.maximum ?? node.exclusiveMaximum;
  const beyond = node.exclusiveMinimum !== undefined ? "more than " : "";
  if (low !== undefined && high !== undefined) return `${beyond}${low} to ${high}`;
  if (low !== undefined) return `${beyond || "at least "}${low}`;
  return high === undefined ? "" : `at most ${high}`;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The same with another value at a path; what lies beside the path is shared. `undefined` takes the key away. */
export function put(whole: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === "number") {
    const list = Array.isArray(whole) ? [...(whole as unknown[])] : [];
    if (value === undefined && rest.length === 0) list.splice(key, 1);
    else list[key] = put(list[key], rest, value);
    return list;
  }
  const record = isRecord(whole) ? { ...whole } : {};
  if (value === undefined && rest.length === 0) delete record[key];
  else record[key] = put(record[key], rest, value);
  return record;
}

/** `strategies[0].sizing.value`, as the engine names it. */
export function named(path: Path): string {
  return path.reduce<string>((text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`), "");
}

/** Whether a path is, or lies below, one that is changed in the file alone. */
export function isFileOnly(path: string, file_only: readonly string[]): boolean {
  return file_only.some((name) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`));
}

/** A value that a new item of a list may begin with: every required key with its default or its least. */
export function fresh(root: Root, given: Node): unknown {
  const { node } = withoutNull(root, given);
  if (node.default !== undefined) return node.default;
  const shape = shapeOf(root, node, undefined);
  switch (shape.kind) {
    case "choice": {
      const name = shape.names[0] ?? "";
      const ref = node.discriminator?.mapping[name];
      return ref === undefined ? {} : { ...(fresh(root, { $ref: ref }) as object), [shape.tag]: name };
    }
    case "object":
      return Object.fromEntries((node.required ?? []).map((name) => [name, fresh(root, node.properties?.[name] ?? {})]));
    case "list":
      return [];
    case "map":
      return {};
    case "pick":
      return shape.options[0];
    case "number":
      return node.minimum ?? (node.exclusiveMinimum !== undefined ? node.exclusiveMinimum + 1 : 0);
    case "flag":
      return false;
    default:
      return "";
  }
}
