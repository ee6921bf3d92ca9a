// A maze played by hand, and the choice between that and watching the model beside the oracle.

const [MODEL, ORACLE] = [0, 1]; // in DATA.results
const KEY_MOVES = {
  ArrowUp: 0, ArrowDown: 1, ArrowLeft: 2, ArrowRight: 3, w: 0, s: 1, a: 2, d: 3,
};
const GLIDE = 110; // milliseconds from cell to cell
const MIN_SWIPE = 18; // pixels
const game = { maze: null, steps: [], end: null };
const isWatching = () => !at("model").hidden;
const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const standing = () => game.steps.at(-1)?.to ?? game.maze.origin;
const isInside = ({ rows, cols }, row, col) => row >= 0 && row < rows && col >= 0 && col < cols;

function startGame() {
  Object.assign(game, { maze: mazeOf(DATA.results[MODEL], state.maze), steps: [], end: null });
  const { rows, cols, shortest } = game.maze;
  at("hand-board").setAttribute("aria-label", `Maze ${state.maze}, ${rows} by ${cols}`);
  at("hand-shortest").textContent = `moves, ${shortest}`;
  drawGame();
}

// A move into a wall counts and leads nowhere, as in the environment; judged as the model is, it ends the attempt.
function moveByHand(move) {
  if (game.end) return;
  const [from, maze] = [standing(), game.maze];
  const isOpen = !hasWall(maze.walls[from], move);
  const to = isOpen ? neighbour(maze, from, move) : from;
  game.steps.push({ from, to, move, mark: isOpen ? "" : "illegal" });
  const [, , down, right] = DATA.moves[move];
  const wall = isInside(maze, Math.floor(from / maze.cols) + down, (from % maze.cols) + right) ? "hit_wall" : "left_grid";
  if (to === maze.target) game.end = "solved";
  else if (!isOpen && at("strict").checked) game.end = wall;
  drawGame(isOpen ? "" : wall);
  if (isOpen) glide(from, to);
}

function undo() {
  game.steps.pop();
  game.end = null;
  drawGame();
}

function drawGame(note = "") {
  const scene = { position: standing(), steps: game.steps, reasoned: [], reasoner: null, invalid: false };
  scene.fails = game.end !== null && game.end !== "solved";
  drawBoard(at("hand-board"), game.maze, DATA.moves, scene, at("path").checked, null);
  at("hand-board").querySelector(".target").classList.toggle("reached", game.end === "solved");
  at("hand-count").textContent = game.steps.length;
  at("undo").disabled = at("restart").disabled = game.steps.length === 0;
  at("verdict").className = `verdict ${game.end === "solved" ? "solved" : game.end ? "failed" : ""}`;
  at("verdict").textContent = verdictOf(note);
}

function verdictOf(note) {
  if (game.end && game.end !== "solved") return `✗ ${DATA.ends[game.end]} at move ${game.steps.length}`;
  if (!game.end) return note ? `${DATA.ends[note]}: no way there` : game.steps.length ? "" : "Lead the dot to the green square: by the arrow keys, the buttons, or a swipe over the maze.";
  const [more, walls] = [game.steps.length - (game.maze.path.length - 1), game.steps.filter(({ mark }) => mark).length];
  const length = more ? `, ${more} more than the shortest path` : ", a shortest path";
  return `✓ ${DATA.ends.solved} in ${counted(game.steps.length, "move")}${length}${walls ? `; walls hit: ${walls}` : ""}`;
}

// The dot comes from where it was.
function glide(from, to) {
  if (isStill()) return;
  const [[x, y], [toX, toY]] = [from, to].map((cell) => middle(game.maze, cell));
  const there = { transform: `translate(${x - toX}px, ${y - toY}px)` };
  at("hand-board").querySelector(".agent").animate([there, { transform: "none" }], { duration: GLIDE, easing: "ease-out" });
}

// A finger or the mouse drawn over the maze: a move for each cell's width, in the direction of the greater part.
function connectSwipes() {
  const board = at("hand-board");
  let last = null;
  board.addEventListener("pointerdown", (event) => {
    last = [event.clientX, event.clientY];
    board.setPointerCapture(event.pointerId);
  });
  board.addEventListener("pointermove", (event) => {
    if (!last) return;
    const [x, y] = [event.clientX - last[0], event.clientY - last[1]];
    const cell = board.clientWidth / game.maze.cols;
    if (Math.max(Math.abs(x), Math.abs(y)) < Math.max(MIN_SWIPE, 0.6 * cell)) return;
    last = [event.clientX, event.clientY];
    moveByHand(Math.abs(x) > Math.abs(y) ? (x < 0 ? 2 : 3) : y < 0 ? 0 : 1);
  });
  for (const event of ["pointerup", "pointercancel"]) board.addEventListener(event, () => { last = null; });
}

// The oracle waits until the model has thought, and walks beside it.
async function showMaze() {
  startGame();
  await show();
  const [model, oracle] = state.panels;
  if (!oracle) return; // another maze was asked for meanwhile
  const first = model.frames.findIndex(({ kind }) => kind === "executed");
  oracle.delay = first < 0 ? model.frames.length : first;
  goTo(0);
}

// Once both have walked to their end, how the model did.
function tellModel() {
  const [model, oracle] = state.panels;
  const isOver = state.step === lastStep() && oracle;
  const [end, title] = endOf(model.result, state.maze);
  const count = (panel) => panel.result.moves[attemptAt(panel.result, state.maze)].length;
  const tokens = model.result.tokens[attemptAt(model.result, state.maze)];
  const told = ` after ${counted(count(model), "move")}${tokens === null ? "" : ` and ${tokens} tokens`}; the shortest path has ${count(oracle)}`;
  at("model-verdict").className = `verdict ${isOver ? (end === "solved" ? "solved" : "failed") : ""}`;
  at("model-verdict").textContent = isOver ? `${end === "solved" ? "✓" : "✗"} ${title}${told}` : "";
}

async function goToMaze(maze) {
  const count = at("maze").length;
  state.maze = (maze + count) % count;
  at("maze").value = state.maze;
  await showMaze();
  if (isWatching() && !isStill()) play();
}

async function choose(who) {
  document.querySelector(`[name="who"][value="${who}"]`).checked = true;
  at("hand").hidden = who !== "hand";
  at("model").hidden = who !== "model";
  pause();
  if (who === "model") {
    goTo(0);
    if (!isStill()) play();
  } else drawGame();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input[type=radio], input[type=range]")) return;
  if (event.key === " " && event.target.matches("button, input")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = { n: () => goToMaze(state.maze + 1), p: () => goToMaze(state.maze - 1), ...(isWatching() ? STEP_KEYS : HAND_KEYS) }[key];
  if (!act) return;
  event.preventDefault();
  act();
}

const HAND_KEYS = {
  ...Object.fromEntries(Object.entries(KEY_MOVES).map(([key, move]) => [key, () => moveByHand(move)])), u: undo, r: startGame,
};

// Dark or light as the system has it, until the visitor says otherwise.
function connectDark() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.scheme ?? (system.matches ? "dark" : "light")) === "dark";
  const tell = () => at("dark").setAttribute("aria-pressed", String(isDark()));
  at("dark").addEventListener("click", () => {
    document.documentElement.dataset.scheme = isDark() ? "light" : "dark";
    tell();
  });
  system.addEventListener("change", tell);
  tell();
}

function connectGame() {
  const on = (id, event, act) => at(id).addEventListener(event, act);
  for (const button of document.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => moveByHand(Number(button.dataset.move)));
  }
  for (const radio of document.querySelectorAll("[name='who']")) radio.addEventListener("change", () => choose(radio.value));
  on("undo", "click", undo);
  on("restart", "click", startGame);
  on("strict", "change", startGame);
  on("watch", "click", () => choose("model"));
  on("path", "change", () => drawGame());
  on("maze", "change", () => goToMaze(Number(at("maze").value)));
  on("previous-maze", "click", () => goToMaze(state.maze - 1));
  on("next-maze", "click", () => goToMaze(state.maze + 1));
  on("boards", "step", tellModel);
  on("pace", "change", () => { state.pace = Number(at("pace").value); });
  document.querySelector(".choice").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", pressed);
}

// Opens at the maze that the page says, with the choice of all of them.
function openGame() {
  const result = DATA.results[MODEL];
  const { mazes, levels } = DATA.suites[result.suite];
  Object.assign(state, { a: MODEL, b: ORACLE, sample: result.names[0], maze: DATA.first });
  const options = mazes.map(([, , , , , level, path], index) => {
    const failed = solved(result, index) ? "" : ` · model: ${endOf(result, index)[1]}`;
    return [index, `Maze ${index} · ${levels[level]} · ${shortestOf(path)}${failed}`];
  });
  fill(at("maze"), options, state.maze);
  return showMaze();
}

connectDark();
const opening = unpackData().then(() => {
  connectTransport();
  connectSwipes();
  connectGame();
  return openGame();
});
