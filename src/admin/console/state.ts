/**
 * What the console shows, as its address has it: every view can be linked to, reloaded, and had without a script.
 */
export interface ConsoleState {
  /** Search among services. */
  readonly q: string;
  /** Page of services, from 1. */
  readonly page: number;
  /** References of the services whose addresses are shown. */
  readonly open: readonly string[];
  /** Search among routes. */
  readonly rq: string;
  /** Page of routes, from 1. */
  readonly rpage: number;
  /** The request to explain; undefined: none was asked for. */
  readonly explain: ExplainForm | undefined;
  /** undefined: what the browser prefers. */
  readonly theme: "light" | "dark" | undefined;
  /** True: the page loads itself again (for browsers without a script). */
  readonly refresh: boolean;
}

/** The fields of the explain form, as written. */
export interface ExplainForm {
  readonly method: string;
  readonly url: string;
  /** One `name: value` a line. */
  readonly headers: string;
}

/** Services whose addresses are shown at once: those opened last. */
const MOST_OPEN = 8;
/** Longer texts are cut: they come back in every link of the page. */
const LONGEST = 2000;

const pageOf = (text: string | null): number => {
  const page = Number(text ?? "1");
  return Number.isInteger(page) && page > 0 && page < 1_000_000 ? page : 1;
};

/** Reads the address; whatever is wrong in it is left out. */
export function readState(query: URLSearchParams): ConsoleState {
  const text = (name: string): string => (query.get(name) ?? "").slice(0, LONGEST);
  const theme = query.get("theme");
  const url = text("url").trim();
  return {
    q: text("q").trim(),
    page: pageOf(query.get("page")),
    open: [...new Set(query.getAll("open").map((reference) => reference.slice(0, LONGEST)))].slice(-MOST_OPEN),
    rq: text("rq").trim(),
    rpage: pageOf(query.get("rpage")),
    explain: url === "" ? undefined : { method: text("method").trim() || "GET", url, headers: text("header") },
    theme: theme === "light" || theme === "dark" ? theme : undefined,
    refresh: query.get("refresh") === "1",
  };
}

/** A state's parts as name and value: what a link, and a form's hidden fields, carry. Defaults are left out. */
export function fieldsOf(state: ConsoleState): [name: string, value: string][] {
  const { q, page, open, rq, rpage, explain, theme, refresh } = state;
  const fields: [string, string][] = [];
  if (q !== "") fields.push(["q", q]);
  if (page > 1) fields.push(["page", String(page)]);
  for (const reference of open) fields.push(["open", reference]);
  if (rq !== "") fields.push(["rq", rq]);
  if (rpage > 1) fields.push(["rpage", String(rpage)]);
  if (explain !== undefined) {
    fields.push(["method", explain.method], ["url", explain.url]);
    if (explain.headers !== "") fields.push(["header", explain.headers]);
  }
  if (theme !== undefined) fields.push(["theme", theme]);
  if (refresh) fields.push(["refresh", "1"]);
  return fields;
}

/** The address of a state, as this one with some changes. */
export function href(state: ConsoleState, changes: Partial<ConsoleState> = {}, place = ""): string {
  const query = new URLSearchParams(fieldsOf({ ...state, ...changes })).toString();
  return `/${query === "" ? "" : `?${query}`}${place === "" ? "" : `#${place}`}`;
}
