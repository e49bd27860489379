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
  const keyOf = (node) => (node.nodeType === 1 ? node.dataset.key || node.id : "");

  function morphAttributes(from, to) {
    for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
    for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }

  function morph(from, to) {
    if (from.isEqualNode(to)) return;
    if (from.nodeType !== 1) {
      from.nodeValue = to.nodeValue;
      return;
    }
    morphAttributes(from, to);
    const keyed = new Map();
    for (const child of from.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
    let at = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const key = keyOf(wanted);
      let found = key ? keyed.get(key) : at;
      if (found && !key && keyOf(found)) found = null;
      if (found && found.nodeName === wanted.nodeName) {
        if (found === at) at = at.nextSibling;
        else from.insertBefore(found, at);
        morph(found, wanted);
      } else {
        from.insertBefore(wanted, at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  // --- What is said to those who cannot see it: few words, and not more often than they can be listened to.
  function announce(text) {
    const place = document.getElementById("announce");
    if (place && place.textContent !== text) place.textContent = text;
  }

  // --- Live changes.
  let source;
  let retry;
  let paused = false;

  function showLive(state, text) {
    const place = document.getElementById("live");
    if (!place || place.dataset.state === state) return;
    place.dataset.state = state;
    place.textContent = text;
  }

  function disconnect() {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  }

  /** Soon, and once: whoever types or turns pages gets the page first. */
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
  let visiting;

  async function visit(address, { push, say }) {
    visiting?.abort();
    const mine = new AbortController();
    visiting = mine;
    const url = new URL(address, location.href);
    try {
      const response = await fetch(url.pathname + url.search, { signal: mine.signal });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const text = await response.text();
      if (visiting !== mine) return;
      const next = new DOMParser().parseFromString(text, "text/html");
      if (push) history[push](null, "", url);
      morph(document.getElementById("main"), document.importNode(next.getElementById("main"), true));
      fillHidden(next);
      showFields();
      if (say) {
        const found = document.getElementById(say);
        if (found) announce(`${found.textContent} found`);
      }
      connectSoon();
    } catch (error) {
      if (mine.signal.aborted) return;
      location.assign(url); // Whatever it is, the browser can say it better.
      throw error;
    }
  }

  /** The theme's form lies outside of what is replaced, and carries the state along. */
  function fillHidden(next) {
    const mine = document.getElementById("theme");
    for (const field of mine.querySelectorAll("input")) field.remove();
    mine.prepend(...[...next.querySelectorAll("#theme input")].map((field) => document.importNode(field, true)));
  }

  /** A field that was typed into keeps its text whatever its attribute says; the one being typed into must. */
  function showFields() {
    for (const field of document.querySelectorAll("main input[type=search], main textarea, main input[type=text]")) {
      if (field !== document.activeElement) field.value = field.defaultValue;
    }
  }

  function addressOf(form) {
    const url = new URL(form.getAttribute("action"), location.href);
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    url.search = new URLSearchParams(fields).toString();
    return url;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-live]");
    if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const place = link.closest("nav.pages") ? new URL(link.href).hash.slice(1) : "";
    void visit(link.href, { push: "pushState" }).then(() => {
      if (place) document.getElementById(place)?.scrollIntoView();
    });
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id === "theme") {
      event.preventDefault();
      chooseTheme(event.submitter?.value ?? "");
    } else if (form.hasAttribute("data-live")) {
      event.preventDefault();
      void visit(addressOf(form), { push: "pushState", say: form.querySelector("output")?.id });
    }
  });

  let typing;
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form.search");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(
      () => void visit(addressOf(form), { push: "replaceState", say: form.querySelector("output")?.id }),
      20,
    );
  });

  addEventListener("popstate", () => void visit(location.href, {}));

  function chooseTheme(theme) {
    root.dataset.theme = theme;
    store.set(theme);
    showTheme();
  }

  function showTheme() {
    for (const button of document.querySelectorAll("#theme button")) {
      button.setAttribute("aria-pressed", String(button.value === root.dataset.theme));
    }
  }

  // --- The start, once the page is there.
  addEventListener("DOMContentLoaded", () => {
    showTheme();
    showLive("wait", "Connecting");
    const pause = document.getElementById("pause");
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
    // Nobody looks: the gateway need not render.
    document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
    connect();
  });
})();
