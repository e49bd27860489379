/** @jsxImportSource hono/jsx */
import type { Child, PropsWithChildren } from "hono/jsx";
import { type ConsoleState, fieldsOf, href } from "./state.ts";
import { count } from "./words.ts";

/** A part of the page that is sent again when it changes. Its id is how the browser finds it. */
export function Section({ id, label, children }: PropsWithChildren<{ id: string; label: string }>): Child {
  return (
    <section id={id} aria-labelledby={`${id}-title`} class="part">
      <h2 id={`${id}-title`}>{label}</h2>
      {children}
    </section>
  );
}

/** A column of a table: its name, what that is short for, and whether it has numbers. */
export type Column = string | { readonly name: string; readonly title?: string; readonly number?: true };

/** A table that becomes a list of cards on a phone; `look` is one more class. The caption is for those who hear it. */
export function Table(
  props: PropsWithChildren<{ caption: string; captionClass?: string; columns: readonly Column[]; look?: string }>,
): Child {
  const { caption, captionClass = "hidden", columns, look, children } = props;
  return (
    <table class={look === undefined ? "stacked" : `stacked ${look}`}>
      <caption class={captionClass}>{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => {
            const { name, title, number }: Exclude<Column, string> =
              typeof column === "string" ? { name: column } : column;
            return (
              <th scope="col" class={number ? "number" : undefined}>
                {title === undefined ? name : <abbr title={title}>{name}</abbr>}
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

/** A cell with a number, under its column's name. */
export function NumberCell({ label, children }: PropsWithChildren<{ label: string }>): Child {
  return (
    <td data-label={label} class="number">
      {children}
    </td>
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
