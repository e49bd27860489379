/** @jsxImportSource hono/jsx */
import type { Child, PropsWithChildren } from "hono/jsx";
import { type ConsoleState, fieldsOf, href } from "./state.ts";
import { count } from "./words.ts";

/** A part of the page that is sent anew when it changes. Its id is how the browser finds it. */
export function Part({ id, label, children }: PropsWithChildren<{ id: string; label: string }>): Child {
  return (
    <section id={id} aria-labelledby={`${id}-title`} class="part">
      <h2 id={`${id}-title`}>{label}</h2>
      {children}
    </section>
  );
}

/** The state as hidden fields, without those that the form has itself. */
export function Hidden({ state, without }: { state: ConsoleState; without: readonly string[] }): Child {
  return (
    <>
      {fieldsOf(state)
        .filter(([name]) => !without.includes(name))
        .map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
    </>
  );
}

/** A search among many things: a form that works by itself, and as one types where there is a script. */
export function Search(props: {
  state: ConsoleState;
  field: "q" | "rq";
  page: "page" | "rpage";
  label: string;
  hint: string;
  place: string;
  found: number;
  total: number;
}): Child {
  const { state, field, page, label, hint, place, found, total } = props;
  return (
    <search>
      <form class="search" method="get" action={`/#${place}`} data-live="">
        <Hidden state={state} without={[field, page]} />
        <label for={`search-${field}`}>{label}</label>
        <input
          id={`search-${field}`}
          name={field}
          type="search"
          value={state[field]}
          placeholder={hint}
          autocomplete="off"
          spellcheck={false}
          maxlength={200}
        />
        <button type="submit">Search</button>
        <output id={`found-${field}`} class="soft" for={`search-${field}`}>
          {state[field] === "" ? count(total) : `${count(found)} of ${count(total)}`}
        </output>
      </form>
    </search>
  );
}

/** Links to the pages before and after; nothing where all is on one page. */
export function Pages(props: {
  state: ConsoleState;
  field: "page" | "rpage";
  size: number;
  found: number;
  label: string;
  place: string;
}): Child {
  const { state, field, size, found, label, place } = props;
  const last = Math.max(1, Math.ceil(found / size));
  const current = Math.min(state[field], last);
  if (last === 1) return "";
  const link = (to: number, text: string, rel: string): Child =>
    to < 1 || to > last ? (
      <span class="off">{text}</span>
    ) : (
      <a href={href(state, { [field]: to }, place)} rel={rel} data-live="">
        {text}
      </a>
    );
  return (
    <nav class="pages" aria-label={label}>
      {link(current - 1, "Previous", "prev")}
      <span>
        Page {count(current)} of {count(last)}
      </span>
      {link(current + 1, "Next", "next")}
    </nav>
  );
}
