// @ts-check
// The console's script. The page works without it; with it, the page is live and changes in place. Everything shown is
// rendered by the gateway: this only puts what it sends where it belongs.
(() => {
  const root = document.documentElement;
  const THEME = "podway-theme";

  // --- Colours: chosen before the first paint, and remembered by the browser alone.
  const store = {
    get() {
      try {
        return localStorage.getItem(THEME);
      } catch {
        return null; // Storage may be switched off: the choice then lasts as long as the page.
      }
    },
    /** @param {string} value */
    set(value) {
      try {
        localStorage.setItem(THEME, value);
      } catch {
        // As above.
      }
    },
  };
  const remembered = store.get();
  if (root.dataset.theme === "" && remembered !== null) root.dataset.theme = remembered;

  // --- Putting new HTML in place of old, keeping focus, selection and scroll position: only what differs is touched.

  /** @param {string} id */
  const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

  /** @param {Node} node */
  const keyOf = (node) => (node instanceof Element ? node.getAttribute("data-key") || node.id : "");

  /**
   * @param {Element} from
   * @param {Element} to
   */
  function morphAttributes(from, to) {
    for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
    for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }

  /**
   * Takes away what stands before a child that stays, as far as nothing with a key is: the child itself must not be
   * moved, for it would lose the focus. Returns what comes next.
   *
   * @param {ChildNode | null} at
   * @param {ChildNode} until
   */
  function clearTo(at, until) {
    while (at && at !== until && !keyOf(at)) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
    return at;
  }

  /**
   * @param {ChildNode} from
   * @param {ChildNode} to
   */
  function morph(from, to) {
    if (from.isEqualNode(to)) return;
    if (!(from instanceof Element && to instanceof Element)) {
      from.nodeValue = to.nodeValue;
      return;
    }
    morphAttributes(from, to);
    const stays = new Set([...to.childNodes].map(keyOf));
    /** @type {Map<string, ChildNode>} */
    const keyed = new Map();
    for (const child of [...from.childNodes]) {
      const key = keyOf(child);
      if (key && !stays.has(key)) child.remove();
      else if (key) keyed.set(key, child);
    }
    let at = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const key = keyOf(wanted);
      const found = key ? keyed.get(key) : at && !keyOf(at) ? at : undefined;
      if (found?.nodeName !== wanted.nodeName) {
        from.insertBefore(wanted, at);
        continue;
      }
      at = clearTo(at, found);
      if (found === at) at = at.nextSibling;
      else from.insertBefore(found, at);
      morph(found, wanted);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  // --- What is said to those who cannot see it: few words, and not more often than they can be listened to.
  /** @param {string} text */
  function announce(text) {
    const place = part("announce");
    if (place.textContent !== text) place.textContent = text;
  }

  // --- Live changes.
  /** @type {EventSource | undefined} */
  let source;
  /** @type {number | undefined} */
  let retry;
  let paused = false;

  /**
   * @param {string} state
   * @param {string} text
   */
  function showLive(state, text) {
    const place = part("live");
    if (place.dataset.state === state) return;
    place.dataset.state = state;
    place.textContent = text;
  }

  function disconnect() {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  }

  /** Soon, and once: one who types or turns pages gets the page first. */
  function connectSoon() {
    disconnect();
    retry = setTimeout(connect, 250);
  }

  function connect() {
    disconnect();
    if (paused || document.hidden) return;
    const mine = new EventSource(`/console/events${location.search}`);
    source = mine;
    mine.addEventListener("open", () => showLive("on", "Live"));
    mine.addEventListener("part", (event) => {
      if (mine !== source) return;
      const { id, html } = JSON.parse(event.data);
      const place = document.getElementById(id);
      const template = document.createElement("template");
      template.innerHTML = html;
      const next = template.content.firstElementChild;
      if (place && next) morph(place, next);
    });
    mine.addEventListener("error", () => {
      if (mine !== source) return;
      showLive("lost", "Connection lost: trying again");
      // The browser tries again by itself unless the gateway refused.
      if (mine.readyState === EventSource.CLOSED) retry = setTimeout(connect, 3000);
    });
  }

  // --- Links and forms of the page: fetched and put in place instead of loaded.
  /** @type {AbortController | undefined} */
  let visiting;
  /**
   * The search as one types that has not begun yet.
   *
   * @type {number | undefined}
   */
  let typing;

  /**
   * Shows another state of the page; the later call wins. `form`: the one that asks, whose fields are as they are
   * to be.
   *
   * @param {string | URL} address
   * @param {{ push?: "pushState" | "replaceState"; form?: HTMLFormElement }} [options]
   */
  async function visit(address, { push, form } = {}) {
    visiting?.abort();
    clearTimeout(typing);
    typing = undefined;
    // Live changes of what is about to be left would only be in the way.
    clearTimeout(retry);
    const mine = new AbortController();
    visiting = mine;
    const url = new URL(address, location.href);
    try {
      const response = await fetch(url.pathname + url.search, { signal: mine.signal });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const text = await response.text();
      if (visiting !== mine) return;
      const next = new DOMParser().parseFromString(text, "text/html");
      const main = next.getElementById("main");
      if (!main) throw new Error("not a page of the console");
      if (push) history[push](null, "", url);
      const before = new Map([...fields()].map((field) => [field, field.defaultValue]));
      morph(part("main"), document.importNode(main, true));
      fillHidden(next);
      if (!form && typing === undefined) showFields(before);
      const found = form?.querySelector("output");
      if (found) announce(`${found.textContent} found`);
      connectSoon();
    } catch (error) {
      if (mine.signal.aborted) return;
      connectSoon();
      location.assign(url); // Whatever it is, the browser can say it better.
      throw error;
    }
  }

  /**
   * The theme's form lies outside of what is replaced, and carries the state along.
   *
   * @param {Document} next
   */
  function fillHidden(next) {
    const mine = part("theme");
    for (const field of mine.querySelectorAll("input")) field.remove();
    mine.prepend(...[...next.querySelectorAll("#theme input")].map((field) => document.importNode(field, true)));
  }

  const fields = () =>
    /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */ (
      document.querySelectorAll("main input[type=search], main input[type=text], main textarea")
    );

  /**
   * A field that was typed into keeps its text whatever its attribute says: it has to be set to where the page went
   * elsewhere. What was typed into a form that is still to be sent stays.
   *
   * @param {Map<Element, string>} before the texts that the fields came with
   */
  function showFields(before) {
    for (const field of fields()) {
      const moved = before.get(field) !== field.defaultValue;
      if (moved || field.form?.matches(".search")) field.value = field.defaultValue;
    }
  }

  /** @param {HTMLFormElement} form */
  function addressOf(form) {
    const url = new URL(form.getAttribute("action") ?? "/", location.href);
    const filled = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    url.search = new URLSearchParams(filled.filter(([, value]) => value !== "")).toString();
    return url;
  }

  document.addEventListener("click", (event) => {
    const at = /** @type {Element} */ (event.target);
    const link = /** @type {HTMLAnchorElement | null} */ (at.closest("a[data-live]"));
    if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const place = link.closest("nav.pages") ? new URL(link.href).hash.slice(1) : "";
    void visit(link.href, { push: "pushState" }).then(() => {
      if (place) document.getElementById(place)?.scrollIntoView();
    });
  });

  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.id === "theme") {
      event.preventDefault();
      chooseTheme(event.submitter?.getAttribute("value") ?? "");
    } else if (form.hasAttribute("data-live")) {
      event.preventDefault();
      void visit(addressOf(form), { push: "pushState", form });
    }
  });

  document.addEventListener("input", (event) => {
    const { form } = /** @type {HTMLInputElement} */ (event.target);
    if (!form?.matches(".search")) return;
    clearTimeout(typing);
    typing = setTimeout(() => void visit(addressOf(form), { push: "replaceState", form }), 20);
  });

  addEventListener("popstate", () => void visit(location.href));

  /** @param {string} theme */
  function chooseTheme(theme) {
    root.dataset.theme = theme;
    store.set(theme);
    showTheme();
  }

  function showTheme() {
    for (const button of document.querySelectorAll("#theme button")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("value") === root.dataset.theme));
    }
  }

  // --- The start, once the page is there.
  addEventListener("DOMContentLoaded", () => {
    showTheme();
    showLive("wait", "Connecting");
    const pause = part("pause");
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Resume" : "Pause";
      if (paused) {
        disconnect();
        showLive("paused", "Paused");
      } else {
        showLive("wait", "Connecting");
        connect();
      }
    });
    // The page is not looked at: the gateway need not render.
    document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
    connect();
  });
})();
