// Attempts beside each other, stepped through together: what the data say of them, their panels, and where they are.
// All texts enter the page as text, never as HTML.

let DATA = null; // until `unpackData`
const ARROWS = ["↑", "↓", "←", "→"];
const PACE = { executed: 420, reasoned: 140 }; // milliseconds a step, playing
const MAX_CAPTION = 36; // letters of a piece of text, in the line below a board
const at = (id) => document.getElementById(id);
const state = { results: [], a: 0, b: -1, sample: "", maze: -1, step: 0, pace: 1, timer: null, panels: [], asked: 0 };

const fill = (select, options, chosen) => select.replaceChildren(
  ...options.map(([value, text]) => new Option(text, value, false, String(value) === String(chosen))),
);

// What `packed` (benchmarks/report/markup.py) made.
function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

async function unpackData() {
  DATA = await unpack(at("data").textContent);
}

function readMove(letter) {
  if (letter >= "0" && letter <= "3") return [Number(letter), "illegal"];
  const move = DATA.moves.findIndex(([name]) => name === letter.toUpperCase());
  return [move, letter === letter.toUpperCase() ? "" : "detour"];
}

const neighbour = (maze, cell, move) => cell + DATA.moves[move][2] * maze.cols + DATA.moves[move][3];

function mazeOf(result, index) {
  const [rows, cols, walls, origin, target, level, letters] = DATA.suites[result.suite].mazes[index];
  const maze = { rows, cols, walls, origin, target, level, shortest: shortestOf(letters), path: [origin] };
  for (const letter of letters || "") maze.path.push(neighbour(maze, maze.path.at(-1), readMove(letter)[0]));
  return maze;
}

// The index of an attempt in the columns of its result.
const attemptAt = (result, maze) =>
  Math.max(0, result.names.indexOf(state.sample)) * DATA.suites[result.suite].mazes.length + maze;
const endOf = (result, maze) => result.ends[result.end[attemptAt(result, maze)]];
const solved = (result, maze) => endOf(result, maze)[0] === "solved";

// The texts of a result, taken apart (benchmarks/report/trace_replay.py); a promise, as unpacking is one.
function textsOf(result) {
  if (result.texts === null || result.unpacked) return Promise.resolve(result.unpacked ?? null);
  return (result.unpacked = unpack(result.texts));
}

// The frames that an attempt is stepped through. Frame 0, not in the list, is the beginning.
function framesOf(letters, pieces, reasoning) {
  const moves = [...letters].map(readMove).map(([move, mark], index) => ({ kind: "executed", move, mark, index }));
  if (!pieces) return moves;
  let executed = 0;
  return pieces.flatMap((piece, place) => {
    if (typeof piece === "string") return [];
    if (piece.length === 1) return [{ ...moves[executed++], place }];
    return reasoning ? [{ kind: "reasoned", cell: piece[1], flags: piece.slice(2), place }] : [];
  });
}

// What is shown after `step` frames: moves executed, and the attempts of the reasoning, each as cells.
function sceneAt(maze, frames, step) {
  const scene = { position: maze.origin, steps: [], reasoned: [], reasoner: null, invalid: false };
  for (const frame of frames.slice(0, step)) {
    if (frame.kind === "executed") {
      const from = scene.position;
      const to = frame.mark === "illegal" ? from : neighbour(maze, from, frame.move);
      scene.steps.push({ from, to, move: frame.move, mark: frame.mark });
      Object.assign(scene, { position: to, reasoner: null });
    } else {
      if (frame.flags.includes("begin")) scene.reasoned.push([frame.cell]);
      else if (!scene.reasoned.length || frame.flags.includes("restart")) scene.reasoned.push([maze.origin]);
      if (scene.reasoned.at(-1).at(-1) !== frame.cell) scene.reasoned.at(-1).push(frame.cell);
      Object.assign(scene, { reasoner: frame.cell, invalid: frame.flags.includes("invalid") });
    }
  }
  return scene;
}

function captionOf(panel, step) {
  const frame = panel.frames[step - 1];
  if (!frame) return panel.frames.length ? "at the start" : "no move was executed";
  if (frame.kind === "reasoned") {
    const captions = { begin: "", restart: ", restarts", invalid: ", invalid in this maze" };
    const flags = frame.flags.map((flag) => captions[flag]).join("");
    const text = panel.pieces[frame.place][0].trim();
    return `reasoned: ${text.length > MAX_CAPTION ? `${text.slice(0, MAX_CAPTION)}…` : text}${flags}`;
  }
  const mark = { detour: ", detour: leaves every shortest path", illegal: ", illegal: there is a wall" }[frame.mark];
  return `move ${frame.index + 1}: ${DATA.moves[frame.move][1]}${mark || ""}`;
}

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const shortestOf = (letters) => (letters === null ? "unreachable" : `shortest ${letters.length}`);

function outcomeOf(result, index, maze) {
  const attempt = attemptAt(result, index);
  const [end, title] = endOf(result, index);
  const count = result.moves[attempt].length;
  const parts = [end === "solved" ? "solved" : `failed: ${title}`, `${counted(count, "move")}, ${maze.shortest}`];
  if (result.tokens[attempt] !== null) parts.push(`${result.tokens[attempt]} tokens`);
  if (result.truncated[attempt]) parts.push("truncated by its budget");
  return parts.join(" · ");
}

function makePanel(result, index, pieces) {
  const maze = mazeOf(result, index);
  const letters = result.moves[attemptAt(result, index)];
  const frames = framesOf(letters, pieces, at("reasoning").checked);
  // A panel stands still for its first `delay` steps, while another one reasons.
  const panel = { result, maze, pieces, frames, delay: 0, ending: endOf(result, index)[2] };
  panel.svg = shape("svg", { class: "board", role: "img", "aria-label": `Maze ${index}, ${maze.rows} by ${maze.cols}` });
  panel.caption = make("p", { class: "caption", "aria-live": "polite" });
  panel.chips = [...letters].map(readMove).map(([move, mark], i) => {
    const title = `move ${i + 1}: ${DATA.moves[move][1]} ${mark}`.trim();
    const chip = make("button", { type: "button", class: mark, title, "aria-label": title }, ARROWS[move]);
    chip.addEventListener("click", () => goTo(panel.delay + frames.findIndex((f) => f.kind === "executed" && f.index === i) + 1));
    return chip;
  });
  const ending = panel.ending ? [make("span", { class: "failed", title: panel.ending }, "✗")] : [];
  const drawn = make(
    "div", {}, make("h3", {}, result.title), make("p", { class: "outcome" }, outcomeOf(result, index, maze)),
    panel.svg, panel.caption, make("div", { class: "moves" }, ...panel.chips, ...ending),
  );
  panel.root = make("article", { class: `panel ${solved(result, index) ? "solved" : "failed"}` }, drawn);
  if (pieces) {
    const classOf = (piece) => (piece.length === 1 ? "executed" : piece.slice(2).join(" "));
    panel.spans = pieces.map((p) => (typeof p === "string" ? make("span", {}, p) : make("span", { class: `piece ${classOf(p)}` }, p[0])));
    panel.text = make("div", { class: "text", tabindex: "0", role: "region", "aria-label": "What the agent wrote" }, ...panel.spans);
    panel.root.append(panel.text);
  }
  return panel;
}

function showPanel(panel, step) {
  const here = Math.max(0, Math.min(step - panel.delay, panel.frames.length));
  const frame = panel.frames[here - 1];
  const ended = here === panel.frames.length;
  const fails = ended && Boolean(panel.ending);
  const scene = { ...sceneAt(panel.maze, panel.frames, here), fails };
  drawBoard(panel.svg, panel.maze, DATA.moves, scene, at("path").checked, panel.result.radius);
  panel.caption.replaceChildren(captionOf(panel, here), ...(fails ? [make("strong", { class: "ending" }, `ended: ${panel.ending}`)] : []));
  const executed = panel.frames.slice(0, here).filter(({ kind }) => kind === "executed").length;
  panel.chips.forEach((chip, i) => {
    chip.classList.toggle("now", frame?.kind === "executed" && frame.index === i);
    chip.classList.toggle("ahead", i >= executed);
  });
  panel.root.classList.toggle("ended", ended);
  if (!panel.spans) return;
  const place = frame ? frame.place : -1;
  panel.spans.forEach((span, i) => {
    span.classList.toggle("now", i === place);
    span.classList.toggle("ahead", i > place && !ended);
  });
  const above = panel.text.offsetTop + panel.text.clientHeight / 2;
  panel.text.scrollTop = place < 0 ? 0 : panel.spans[place].offsetTop - above;
}

const lastStep = () => Math.max(0, ...state.panels.map((panel) => panel.delay + panel.frames.length));

function goTo(step) {
  state.step = Math.max(0, Math.min(step, lastStep()));
  at("step").max = lastStep();
  at("step").value = state.step;
  at("step").disabled = lastStep() === 0;
  at("place").textContent = lastStep() ? `${state.step} of ${lastStep()}` : "no steps";
  for (const panel of state.panels) showPanel(panel, state.step);
  at("boards").dispatchEvent(new Event("step"));
}

// Where each step is read out, and none while they go by.
const announce = (live) => state.panels.forEach(({ caption }) => caption.setAttribute("aria-live", live));

function pause() {
  clearTimeout(state.timer);
  state.timer = null;
  at("play").textContent = "▶ play";
  announce("polite");
}

function play() {
  if (state.timer) return pause();
  if (state.step >= lastStep()) goTo(0);
  at("play").textContent = "❚❚ pause";
  announce("off");
  const tick = () => {
    if (state.step >= lastStep()) return pause();
    goTo(state.step + 1);
    const reasons = state.panels.some((panel) => panel.frames[state.step - panel.delay]?.kind === "reasoned");
    state.timer = setTimeout(tick, (reasons ? PACE.reasoned : PACE.executed) / state.pace);
  };
  state.timer = setTimeout(tick, 0);
}

// Shows the attempts of the chosen agents at the chosen maze, from the start.
async function show() {
  pause();
  const maze = state.maze;
  const asked = ++state.asked;
  const chosen = [state.a, state.b].filter((number) => number >= 0).map((number) => DATA.results[number]);
  const texts = await Promise.all(chosen.map(textsOf));
  if (asked !== state.asked) return; // another attempt was chosen meanwhile
  state.panels = maze < 0 ? [] : chosen.map((result, i) => makePanel(result, maze, texts[i] && texts[i][attemptAt(result, maze)]));
  const reasons = (panel) => panel.pieces?.some((piece) => Array.isArray(piece) && piece.length > 1);
  at("reasoning").closest("label").hidden = !state.panels.some(reasons);
  at("boards").replaceChildren(...state.panels.map((panel) => panel.root));
  if (maze < 0) at("boards").append(make("p", {}, "No maze is left by these filters."));
  goTo(0);
}

const stepper = (step) => () => { pause(); goTo(step()); };
const BUTTONS = {
  first: stepper(() => 0), back: stepper(() => state.step - 1), next: stepper(() => state.step + 1), last: stepper(lastStep), play,
};
const STEP_KEYS = {
  Home: BUTTONS.first, ArrowLeft: BUTTONS.back, ArrowRight: BUTTONS.next, End: BUTTONS.last, " ": play,
  s: () => { at("path").checked = !at("path").checked; goTo(state.step); },
};

function connectTransport() {
  const on = (id, event, act) => at(id).addEventListener(event, act);
  on("reasoning", "change", () => show());
  on("path", "change", () => goTo(state.step));
  on("step", "input", () => { pause(); goTo(Number(at("step").value)); });
  for (const [id, act] of Object.entries(BUTTONS)) on(id, "click", act);
}
