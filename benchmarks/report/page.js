// What the visitor can do: the replay's controls and keys, legends that switch lines, columns that sort.

const stepper = (step) => () => { pause(); goTo(step()); };
const BUTTONS = {
  first: stepper(() => 0), back: stepper(() => state.step - 1), next: stepper(() => state.step + 1), last: stepper(lastStep), play,
};
const KEYS = {
  Home: BUTTONS.first, ArrowLeft: BUTTONS.back, ArrowRight: BUTTONS.next, End: BUTTONS.last, " ": play,
  n: () => move(1), p: () => move(-1), s: () => { at("path").checked = !at("path").checked; goTo(state.step); },
};

function connectReplay() {
  const on = (id, event, act) => at(id).addEventListener(event, act);
  on("track", "change", () => { chooseTrack(Number(at("track").value)); list(); });
  const agents = ["agent-a", "agent-b"];
  for (const id of agents) on(id, "change", () => {
    const [a, b] = agents.map((name) => Number(at(name).value));
    chooseAgents(a, a === b ? -1 : b);
    list();
  });
  on("sample", "change", () => { state.sample = at("sample").value; list(); });
  for (const id of ["level", "outcome", "disagree"]) on(id, "change", list);
  on("maze", "change", () => { state.maze = Number(at("maze").value); show(); });
  on("reasoning", "change", () => show());
  on("path", "change", () => goTo(state.step));
  on("step", "input", () => { pause(); goTo(Number(at("step").value)); });
  for (const [id, act] of Object.entries(BUTTONS)) on(id, "click", act);
  document.querySelector(".controls").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-result]");
    if (link) replay(Number(link.dataset.result), link.dataset.end);
  });
  document.addEventListener("keydown", pressed);
  connectFocus();
}

// After a choice by mouse the boards have the focus, so that keys step on; a control used by keyboard keeps it.
function connectFocus() {
  let keyed = null; // the control that was last used by keyboard
  const toBoards = () => at("boards").focus({ preventScroll: true });
  at("replay").addEventListener("keydown", (event) => { keyed = event.target; }, true);
  at("replay").addEventListener("pointerdown", () => { keyed = null; }, true);
  at("replay").addEventListener("change", (event) => { if (event.target !== keyed) toBoards(); });
  at("maze").addEventListener("click", toBoards); // choosing it again is no change
}

// Keys work in the replay, and anywhere while it fills the middle of the window and no control has the focus.
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  const box = at("replay").getBoundingClientRect();
  const inView = box.top < innerHeight / 2 && box.bottom > innerHeight / 2;
  const focused = document.activeElement;
  if (!at("replay").contains(focused) && !(focused === document.body && inView)) return;
  if (focused.matches("select, input:not([type=checkbox])")) return;
  if (focused.matches("button, input") && event.key === " ") return;
  event.preventDefault();
  KEYS[event.key]();
}

// A legend's button toggles its line in the charts of its section; pointing at it highlights the line.
function connectLegends() {
  for (const button of document.querySelectorAll(".legend button")) {
    const lines = [...button.closest(".legend").parentElement.querySelectorAll(".series")];
    const isOwn = (line) => line.dataset.series === button.dataset.series;
    button.addEventListener("click", () => {
      const off = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!off));
      lines.filter(isOwn).forEach((line) => line.classList.toggle("off", off));
    });
    for (const event of ["pointerenter", "pointerleave", "focus", "blur"]) button.addEventListener(event, () => {
      const on = button.matches(":hover, :focus-visible");
      lines.forEach((line) => line.classList.toggle("dim", on && !isOwn(line)));
    });
  }
}

// A column's title sorts the agents; baselines and published figures stay below.
function connectSorting() {
  for (const table of document.querySelectorAll(".sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const compare = (one, two) => {
        const [a, b] = [key(one), key(two)];
        const numbers = a !== "" && b !== "" && !isNaN(a) && !isNaN(b);
        return (numbers ? a - b : a.localeCompare(b)) * (descending ? -1 : 1);
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
    }));
  }
}

// A link to a part that is folded unfolds it; browsers do so only for what is inside of a fold.
function connectParts() {
  const unfold = (hash) => {
    const fold = hash.length > 1 && at(decodeURIComponent(hash.slice(1)))?.querySelector(":scope > details");
    if (fold) fold.open = true;
  };
  document.addEventListener("click", (event) => unfold(event.target.closest("nav a")?.hash ?? ""));
  unfold(location.hash);
}

connectReplay();
connectLegends();
connectSorting();
connectParts();
ready.then(open);
