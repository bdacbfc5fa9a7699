// Comfort on top of pages that work without it: keys, selection, a question before deleting, and live rows.
// Builds nodes by hand and sets text only; the page's policy (Trusted Types) forbids anything else.

const page = document.body.dataset.page;
const staff = document.body.classList.contains("staff");
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const say = (text) => { const place = $("#live"); if (place) place.textContent = text; };

// ---- the reader's zone, told to the server so that the next page has it from the first byte
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`zone=${zone}`)) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

// ---- on a narrow screen the open view may stand outside the strip of tabs
const open = $(".tabs [aria-current]");
if (open) open.parentElement.scrollLeft = open.offsetLeft - open.parentElement.offsetLeft - 16;

// ---- selection
const form = $("#acts");
const boxes = () => $$(".tick input", form ?? document);
const chosen = () => boxes().filter((box) => box.checked);

function count() {
  const number = chosen().length;
  const words = number === 1 ? "this message" : `${number} messages`;
  const label = $("[data-selected]");
  if (label) label.textContent = `${number} selected`;
  const asked = $("[data-selected-words]");
  if (asked) asked.textContent = words;
}

let lastBox = null;
form?.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.(".tick input")) return;
  if (event.shiftKey && lastBox) {
    const all = boxes();
    const [from, to] = [all.indexOf(lastBox), all.indexOf(box)].sort((a, b) => a - b);
    for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  }
  lastBox = box;
  count();
});
form?.addEventListener("reset", () => setTimeout(count));

// ---- moving through rows
const rows = () => $$(".row");
const here = () => $(".row.here");

function go(row) {
  if (!row) return;
  here()?.classList.remove("here");
  row.classList.add("here");
  const link = $("a", row);
  link?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
const step = (by) => { const all = rows(); go(all[Math.max(0, Math.min(all.length - 1, all.indexOf(here()) + by))] ?? all[0]); };

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.(".row");
  if (row && row !== here()) { here()?.classList.remove("here"); row.classList.add("here"); }
});
// After the browser has gone to the fragment itself, which takes the focus away.
addEventListener("load", () => { if (location.hash.startsWith("#row-")) go(document.getElementById(location.hash.slice(1))); });

// ---- acting: what follows the selection has the focus on the next page; deleting asks first
const dialog = $("#deleting");

function following() {
  const taken = new Set(chosen().map((box) => box.value));
  const all = rows().map((row) => row.id.slice(4));
  const last = Math.max(...all.map((id, at) => (taken.has(id) ? at : -1)));
  return all.slice(last + 1).find((id) => !taken.has(id)) ?? all.slice(0, Math.max(last, 0)).findLast((id) => !taken.has(id)) ?? "";
}
form?.addEventListener("submit", (event) => {
  if (page === "quarantine") form.elements.next.value = following();
  if (event.submitter?.value === "delete" && dialog) {
    event.preventDefault();
    count();
    dialog.showModal();
  }
});
$("[data-close]")?.addEventListener("click", () => dialog.close());

function act(name) {
  if (!form) return;
  if (page === "quarantine" && !chosen().length) {
    const box = here() && $(".tick input", here());
    if (!box) return;
    box.checked = true;
    count();
  }
  $(`button[name="act"][value="${name}"]`, form)?.click();
}

// ---- keys: never while typing, never with a modifier
const keys = {
  j: () => (page === "item" ? $("[rel=next]")?.click() : step(1)),
  k: () => (page === "item" ? history.back() : step(-1)),
  x: () => { const box = here() && $(".tick input", here()); if (box) { box.checked = !box.checked; lastBox = box; count(); } },
  r: () => act("release"),
  d: () => act("delete"),
  o: () => here() && $("a", here()).click(),
  "/": () => $("#q")?.select(),
  "?": () => $("#keys")?.showModal(),
  Escape: () => (chosen().length ? form.reset() : $("[data-back]")?.click()),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (event.key === "Escape" && $(".person[open]")) { $(".person").open = false; return; }
  if (event.target.closest("input:not([type=checkbox]), textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const wanted = keys[event.key];
  if (wanted) { event.preventDefault(); wanted(); }
});
document.addEventListener("click", (event) => {
  const menu = $(".person[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// ---- live: rows and numbers, from the sequence number at which the page was made
const SVG = "http://www.w3.org/2000/svg";
function node(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null));
  return made;
}
function icon(name) {
  const sprite = $(".mark use").getAttribute("href").split("#")[0];
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}
function bar(fill) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "bar");
  for (const [name, value] of [["width", 44], ["height", 6], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  for (const [kind, width] of [["track", 44], ["fill", fill]]) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [name, value] of [["class", kind], ["width", width], ["height", 6], ["rx", 3]]) rect.setAttribute(name, value);
    svg.append(rect);
  }
  return svg;
}
function breakable(address) {
  const at = address.indexOf("@") + 1;
  return [address.slice(0, at), node("wbr"), address.slice(at)];
}
function built(row, selectable) {
  const link = node("a", "", node("bdi", "", row.subject));
  link.href = `/quarantine/${row.id}`;
  let box = null;
  if (selectable) {
    box = node("input");
    Object.assign(box, { type: "checkbox", name: "id", value: row.id, ariaLabel: `Select ${row.subject}, from ${row.name}` });
  }
  const clip = row.attachments ? node("span", "meta", icon("clip"), String(row.attachments)) : null;
  const time = node("time", "", new Date(row.received_at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }));
  const made = node("tr", "row new",
    node("td", "tick", box && node("label", "", box)),
    node("td", "from", node("bdi", "line", row.name), row.address ? node("bdi", "addr", row.address) : null,
      row.via ? node("span", "addr", "via ", node("bdi", "", row.via)) : null),
    node("td", "subject", link, clip && " ", clip, row.excerpt ? node("bdi", "excerpt", row.excerpt) : null),
    staff ? node("td", "for", node("bdi", "", ...breakable(row.recipient))) : null,
    node("td", "why", node("span", `pill ${row.kind.tone}`, icon(row.kind.icon), row.kind.word), node("bdi", "reason", row.reason)),
    staff ? node("td", "number score", row.score ? bar(row.fill) : null, row.score || "–") : null,
    node("td", "number time", time));
  made.id = `row-${row.id}`;
  made.dataset.message = row.message;
  made.dataset.recipient = row.recipient;
  return made;
}
function insert(row) {
  if (document.getElementById(`row-${row.id}`)) return false;
  const body = $("tbody[data-day^=Today]") ?? $(".list tbody");
  if (!body) { location.reload(); return false; }
  const day = $(".day", body);
  const made = built(row, page === "quarantine" && Boolean($(".acts")));
  if (day) day.after(made); else body.prepend(made);
  return true;
}
function told(news) {
  for (const [kind, number] of Object.entries(news.counts)) {
    const place = $(`[data-count="${kind}"]`);
    if (place) place.textContent = (Number(place.textContent.replace(/\D/g, "")) + number).toLocaleString("en").replaceAll(",", "\u202f");
  }
  if (news.held) {
    const total = Object.values(news.held).reduce((sum, each) => sum + each, 0);
    for (const place of $$("[data-held-total]")) place.textContent = total.toLocaleString("en").replaceAll(",", "\u202f");
  }
  for (const gone of news.left ?? []) {
    for (const row of rows()) {
      if (row.dataset.message === gone.message && row.dataset.recipient.toLowerCase() === gone.recipient) {
        const box = $(".tick input", row);
        if (box) { box.checked = false; box.disabled = true; count(); }
        row.classList.add("gone");
        $(".reason", row).textContent = `${gone.kind} by ${gone.actor || "the policy"}`;
      }
    }
  }
  const arrived = (news.rows ?? []).filter(insert).length;
  if (arrived) say(arrived === 1 ? `New held message: ${news.rows.at(-1).subject}` : `${arrived} new held messages`);
}

let since = Number(document.body.dataset.since ?? -1);
let wait = 500;
function listen() {
  const address = new URL("/api/v1/live", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("since", since);
  address.searchParams.set("q", $("#list") ? ($("#q")?.value ?? "") : "");
  const socket = new WebSocket(address);
  socket.onopen = () => { wait = 500; };
  socket.onmessage = (event) => { const news = JSON.parse(event.data); since = news.sequence; told(news); };
  socket.onclose = (event) => {
    if (event.code === 1008) { location.reload(); return; }
    setTimeout(listen, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, 30000);
  };
}
// Older pages do not change by themselves: only the first page of a list has news.
if (since >= 0 && !new URLSearchParams(location.search).get("cursor")) listen();
count();
