// Shows openapi.json: every route, what goes in and what comes out. Text is only ever set as text.

const REF = "#/components/schemas/";

/** An element with attributes and children; strings become text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Text in which `words` are code. */
function words(text) {
  return text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
}

/** A schema in a few words; named ones are links. */
function spell(schema) {
  if (schema.$ref) {
    const name = schema.$ref.slice(REF.length);
    return [make("a", { href: `#type-${name}` }, name)];
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((choice, index) => (index ? [" or ", ...spell(choice)] : spell(choice)));
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" | ")];
  if (schema.type === "array") return ["list of ", ...spell(schema.items ?? {})];
  if (schema.type === "object" && schema.additionalProperties) return ["map to ", ...spell(schema.additionalProperties)];
  const bounds = [];
  if (schema.minimum !== undefined) bounds.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) bounds.push(`to ${schema.maximum}`);
  if (schema.minLength !== undefined) bounds.push(`at least ${schema.minLength} characters`);
  if (schema.maxLength !== undefined) bounds.push(`at most ${schema.maxLength} characters`);
  if (schema.pattern !== undefined) bounds.push(`as ${schema.pattern}`);
  return [[schema.type ?? "anything", ...bounds].join(" ")];
}

function table(heads, rows) {
  return make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cells) => make("td", {}, ...cells))))),
  );
}

function fields(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, field]) => [
    [make("code", {}, name)],
    spell(field),
    [required.has(name) ? "required" : field.default !== undefined ? `default ${JSON.stringify(field.default)}` : ""],
    words(field.description ?? ""),
  ]);
}

function route(path, method, operation, responses) {
  const body = make("div", {});
  if (operation.parameters) {
    const rows = operation.parameters.map((one) => [
      [make("code", {}, one.name), ` (${one.in})`],
      spell(one.schema),
      [one.required ? "required" : one.schema.default !== undefined ? `default ${JSON.stringify(one.schema.default)}` : ""],
      words(one.description ?? ""),
    ]);
    body.append(make("h4", {}, "Parameters"), table(["name", "what", "", ""], rows));
  }
  if (operation.requestBody) {
    body.append(make("h4", {}, "Body"), make("p", {}, ...spell(operation.requestBody.content["application/json"].schema)));
  }
  const answers = Object.entries(operation.responses).map(([status, told]) => {
    const answer = told.$ref ? responses[told.$ref.split("/").pop()] : told;
    return [[status], words(answer.description), spell(Object.values(answer.content)[0].schema)];
  });
  body.append(make("h4", {}, "Answers"), table(["status", "when", "what"], answers));
  return make(
    "details",
    { id: `route-${operation.operationId}` },
    make(
      "summary",
      {},
      make("span", { class: `method ${method}` }, method.toUpperCase()),
      make("code", {}, path),
      " ",
      ...words(operation.summary),
      make("span", { class: "scope faint" }, operation["x-scope"]),
    ),
    body,
  );
}

function show(document_) {
  document.getElementById("version").textContent = document_.info.version;
  document.getElementById("about").append(...words(document_.info.description));
  const tags = new Map();
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [tag] = operation.tags;
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push([path, method, operation]);
    }
  }
  const contents = make("ul", {});
  const routes = document.getElementById("routes");
  for (const [tag, found] of tags) {
    routes.append(make("h2", {}, tag));
    for (const [path, method, operation] of found) {
      routes.append(route(path, method, operation, document_.components.responses));
      contents.append(make("li", {}, make("a", { href: `#route-${operation.operationId}` }, `${method.toUpperCase()} ${path}`)));
    }
  }
  const socket = document_["x-websocket"];
  routes.append(
    make("h2", {}, "WebSocket"),
    make("p", {}, make("code", {}, socket.path), ` ${socket.summary} `, make("span", { class: "scope faint" }, socket.scope)),
    make("p", {}, "From the engine: ", ...spell(socket.server)),
    make("p", {}, "To the engine: ", ...spell(socket.client)),
    make("h2", {}, "Types"),
  );
  for (const [name, schema] of Object.entries(document_.components.schemas)) {
    const body = make("div", {}, make("p", {}, ...words(schema.description ?? "")));
    body.append(schema.properties ? table(["field", "what", "", ""], fields(schema)) : make("p", {}, ...spell(schema)));
    routes.append(make("details", { id: `type-${name}` }, make("summary", {}, make("code", {}, name)), body));
  }
  document.getElementById("contents").append(contents);
  window.addEventListener("hashchange", open);
  open();
}

/** What a link names is opened. */
function open() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (found?.tagName === "DETAILS") {
    found.open = true;
    found.scrollIntoView();
  }
}

const answer = await fetch("openapi.json");
if (answer.ok) show(await answer.json());
else document.getElementById("about").textContent = `The engine answered ${answer.status}.`;
