// The page to play on: a person's moves, a model's reasoning, token by token, and the oracle's walk, side by side.

const WALK = 260; // milliseconds a move of the oracle
const MIN_SWIPE = 24; // pixels
const STEP_KEYS = { ArrowUp: 0, w: 0, ArrowDown: 1, s: 1, ArrowLeft: 2, a: 2, ArrowRight: 3, d: 3 };
const state = { sample: "", result: null, index: 0, maze: null, moves: [], step: 0, panel: null, timer: null, asked: 0 };

const opened = () => DATA.results.filter((result) => result.suite === at("set").value);
const isOpen = (maze, cell, move) => !((parseInt(maze.walls[cell], 16) >> move) & 1);
const radius = () => (at("fog").checked ? DATA.radius : null);
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function say(id, text, kind = "") {
  at(id).textContent = text;
  at(id).className = `said ${kind}`;
}

// A person's moves as the frames of an attempt: those that a wall stops stay where they are.
function framesOfPerson(maze, moves) {
  let cell = maze.origin;
  return moves.map((move, index) => {
    const mark = isOpen(maze, cell, move) ? "" : "illegal";
    if (!mark) cell = neighbour(maze, cell, move);
    return { kind: "executed", move, mark, index };
  });
}

function drawPerson() {
  const { maze, moves } = state;
  const scene = sceneAt(maze, framesOfPerson(maze, moves), moves.length);
  const [count, budget, last] = [moves.length, DATA.steps * maze.rows * maze.cols, scene.steps.at(-1)];
  state.ended = scene.position === maze.target || count >= budget;
  const solved = scene.position === maze.target;
  drawBoard(at("you"), maze, DATA.moves, { ...scene, fails: state.ended && !solved }, at("path").checked, radius());
  if (solved) say("you-said", `${DATA.ends.solved}: ${counted(count, "move")}, ${maze.shortest}`, "solved");
  else if (state.ended) say("you-said", `${DATA.ends.short_of_target}: ${counted(count, "move")} are all there are`, "failed");
  else if (last?.mark) say("you-said", `${DATA.ends.hit_wall}; ${counted(count, "move")}`);
  else say("you-said", count ? counted(count, "move") : "Your move.");
}

function step(move) {
  if (state.ended) return;
  state.moves.push(move);
  drawPerson();
}

// How many moves the oracle has made while the model was at `step`: it starts with the model and walks at its own pace.
function drawOracle(taken) {
  const { maze } = state;
  const steps = maze.path.slice(0, taken).map((from, i) => ({ from, to: maze.path[i + 1], mark: "" }));
  const scene = { position: maze.path[taken], steps, reasoned: [], reasoner: null, fails: false };
  drawBoard(at("oracle-board"), maze, DATA.moves, scene, false, null);
  const there = taken === maze.path.length - 1;
  say("oracle-said", there ? `${DATA.ends.solved}: ${counted(taken, "move")}` : counted(taken, "move"), there ? "solved" : "");
}

function drawModel() {
  const { panel, maze, step: now, result } = state;
  const frame = panel.frames[now - 1];
  const ended = now === panel.frames.length && now > 0;
  const scene = { ...sceneAt(maze, panel.frames, now), fails: ended && Boolean(panel.ending) };
  drawBoard(at("model-board"), maze, DATA.moves, scene, at("path").checked, result.radius);
  say("model-said", now ? captionOf(panel, now) : counted(panel.frames.length, "step") + " of thought and moves to watch");
  panel.spans.forEach((span, i) => {
    span.classList.toggle("now", frame?.place === i && !ended);
    span.hidden = !ended && (frame ? i > frame.place : true);
  });
  at("written").scrollTop = at("written").scrollHeight;
  const is = solved(result, state.index) ? "solved" : "failed";
  if (ended) say("verdict", outcomeOf(result, state.index, maze), is);
  else say("verdict", "");
}

function goTo(now) {
  state.step = Math.max(0, Math.min(now, state.panel.frames.length));
  drawModel();
}

function pause() {
  clearTimeout(state.timer);
  state.timer = null;
  at("watch").textContent = "▶ let it think";
}

function watch() {
  if (state.timer) return pause();
  if (state.step >= state.panel.frames.length) restartModel();
  at("watch").textContent = "❚❚ pause";
  const tick = () => {
    if (state.step >= state.panel.frames.length) return pause();
    goTo(state.step + 1);
    const pace = PACE[state.panel.frames[state.step - 1].kind];
    state.walked += pace;
    drawOracle(Math.min(state.maze.path.length - 1, Math.floor(state.walked / WALK)));
    state.timer = setTimeout(tick, pace);
  };
  state.timer = setTimeout(tick, 0);
}

function restartModel() {
  pause();
  state.walked = 0;
  goTo(0);
  drawOracle(0);
}

function toEnd() {
  pause();
  goTo(state.panel.frames.length);
  drawOracle(state.maze.path.length - 1);
}

// Shows the chosen maze, for all three from its start.
async function begin() {
  pause();
  const asked = ++state.asked;
  const [result, index] = [opened()[Number(at("model").value)], Number(at("maze").value)];
  const texts = await textsOf(result);
  if (asked !== state.asked) return; // another maze was chosen meanwhile
  const maze = mazeOf(result, index);
  const letters = result.moves[index];
  const pieces = texts?.[index] ?? [...letters].map((letter) => [`${DATA.moves[readMove(letter)[0]][1]} `]);
  const spans = pieces.map((piece) => make("span", { class: pieceClass(piece) }, typeof piece === "string" ? piece : piece[0]));
  const panel = { maze, pieces, spans, result, frames: framesOf(letters, pieces, true), ending: endOf(result, index)[2] };
  Object.assign(state, { result, index, maze, panel, moves: [] });
  at("written").replaceChildren(...spans);
  at("model-title").textContent = result.title;
  at("model-board").setAttribute("aria-label", `The walk of ${result.title}`);
  drawPerson();
  restartModel();
}

const pieceClass = (piece) => (typeof piece === "string" ? "" : piece.length === 1 ? "executed" : piece.slice(2).join(" "));

function chooseSet() {
  const suite = DATA.suites[at("set").value];
  fill(at("model"), opened().map((result, i) => [i, result.title]), 0);
  fill(at("maze"), suite.mazes.map(([, , , , , level, path], i) => [i, `${i + 1} · ${suite.levels[level]} · ${path.length} moves`]), 0);
  at("fog").checked = opened()[0].radius !== null;
  return begin();
}

function another() {
  at("maze").selectedIndex = (at("maze").selectedIndex + 1) % at("maze").length;
  return begin();
}

function undo() {
  state.moves.pop();
  drawPerson();
}

function restart() {
  state.moves = [];
  drawPerson();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.activeElement.matches("select")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const others = { u: undo, n: another, " ": watch };
  if (key === " " && document.activeElement.matches("button, input")) return;
  if (key.startsWith("Arrow") && document.activeElement === at("written")) return;
  if (!(key in STEP_KEYS) && !(key in others)) return;
  event.preventDefault();
  if (key in STEP_KEYS) step(STEP_KEYS[key]);
  else others[key]();
}

// A swipe over one's own board is a move, in the direction in which it is longer.
function connectSwipes() {
  let from = null;
  at("you").addEventListener("pointerdown", (event) => { from = event; });
  addEventListener("pointerup", (event) => {
    if (!from) return;
    const [x, y] = [event.clientX - from.clientX, event.clientY - from.clientY];
    from = null;
    if (Math.max(Math.abs(x), Math.abs(y)) < MIN_SWIPE) return;
    step(Math.abs(x) > Math.abs(y) ? (x < 0 ? 2 : 3) : y < 0 ? 0 : 1);
  });
}

function connectTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (on) => {
    document.documentElement.style.colorScheme = on ? "dark" : "light";
    at("theme").setAttribute("aria-pressed", String(on));
  };
  set(dark.matches);
  dark.addEventListener("change", () => set(dark.matches));
  at("theme").addEventListener("click", () => set(at("theme").getAttribute("aria-pressed") !== "true"));
}

at("set").addEventListener("change", chooseSet);
for (const id of ["maze", "model"]) at(id).addEventListener("change", begin);
at("fog").addEventListener("change", drawPerson);
at("path").addEventListener("change", () => { drawPerson(); drawModel(); });
for (const [id, act] of Object.entries({ another, undo, restart, watch, end: toEnd })) at(id).addEventListener("click", act);
for (const button of document.querySelectorAll("[data-move]")) button.addEventListener("click", () => step(Number(button.dataset.move)));
document.querySelector(".choices").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", pressed);
connectSwipes();
connectTheme();
ready.then(() => {
  fill(at("set"), DATA.tracks, DATA.tracks[0][0]);
  return chooseSet();
});
