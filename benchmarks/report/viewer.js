// The replay: which attempts are shown, and at which step.

const state = { results: [], a: 0, b: -1, sample: "", maze: -1, step: 0, timer: null, panels: [], asked: 0 };

// How many steps an attempt has to show: of its reasoning, where texts are kept, and moves.
function stepsOf(result, maze) {
  const attempt = attemptAt(result, maze);
  return (result.reasoned?.[attempt] ?? 0) + result.moves[attempt].length;
}

// What is most worth seeing: a solved attempt, rather of a result with texts, with many steps. Greater is better.
const worth = (result, maze) => [stepsOf(result, maze) > 0, solved(result, maze), result.texts !== null, stepsOf(result, maze)];

// The first of the greatest values, by their keys, which are lists of numbers.
function best(values, keyOf) {
  const isGreater = (one, other) => {
    const place = one.findIndex((value, i) => value !== other[i]);
    return place >= 0 && one[place] > other[place];
  };
  const keyed = values.map((value) => [value, keyOf(value)]);
  return keyed.reduce((one, other) => (isGreater(other[1], one[1]) ? other : one))[0];
}

function makePanel(result, index, pieces) {
  const maze = mazeOf(result, index);
  const letters = result.moves[attemptAt(result, index)];
  const frames = framesOf(letters, pieces, at("reasoning").checked);
  const panel = { result, maze, pieces, frames, ending: endOf(result, index)[2] };
  panel.svg = shape("svg", { class: "board", role: "img", "aria-label": `Maze ${index}, ${maze.rows} by ${maze.cols}` });
  panel.caption = make("p", { class: "caption", "aria-live": "polite" });
  panel.chips = [...letters].map(readMove).map(([move, mark], i) => {
    const title = `move ${i + 1}: ${DATA.moves[move][1]} ${mark}`.trim();
    const chip = make("button", { type: "button", class: mark, title, "aria-label": title }, ARROWS[move]);
    chip.addEventListener("click", () => goTo(frames.findIndex((f) => f.kind === "executed" && f.index === i) + 1));
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
    panel.spans = pieces.map((p) => (typeof p === "string" ? make("span", {}, p) : make("span", { class: classOf(p) }, p[0])));
    panel.text = make("div", { class: "text", tabindex: "0", role: "region", "aria-label": "What the agent wrote" }, ...panel.spans);
    panel.root.append(panel.text);
  }
  return panel;
}

function showPanel(panel, step) {
  const here = Math.min(step, panel.frames.length);
  const frame = panel.frames[here - 1];
  const ended = here === panel.frames.length;
  const fails = ended && Boolean(panel.ending);
  const scene = { ...sceneAt(panel.maze, panel.frames, here), fails };
  drawBoard(panel.svg, panel.maze, DATA.moves, scene, at("path").checked, panel.result.radius);
  panel.caption.replaceChildren(captionOf(panel, here), ...(fails ? [make("strong", { class: "ending" }, `ended: ${panel.ending}`)] : []));
  panel.chips.forEach((chip, i) => chip.classList.toggle("now", frame?.kind === "executed" && frame.index === i));
  if (!panel.spans) return;
  const place = frame ? frame.place : -1;
  panel.spans.forEach((span, i) => {
    span.classList.toggle("now", i === place);
    span.classList.toggle("ahead", i > place && !ended);
  });
  const above = panel.text.offsetTop + panel.text.clientHeight / 2;
  panel.text.scrollTop = place < 0 ? 0 : panel.spans[place].offsetTop - above;
}

const lastStep = () => Math.max(0, ...state.panels.map((panel) => panel.frames.length));

function goTo(step) {
  state.step = Math.max(0, Math.min(step, lastStep()));
  at("step").max = lastStep();
  at("step").value = state.step;
  at("step").disabled = lastStep() === 0;
  at("place").textContent = lastStep() ? `${state.step} of ${lastStep()}` : "no steps";
  for (const panel of state.panels) showPanel(panel, state.step);
}

function pause() {
  clearTimeout(state.timer);
  state.timer = null;
  at("play").textContent = "▶ play";
}

function play() {
  if (state.timer) return pause();
  if (state.step >= lastStep()) goTo(0);
  at("play").textContent = "❚❚ pause";
  const tick = () => {
    if (state.step >= lastStep()) return pause();
    goTo(state.step + 1);
    const reasons = state.panels.some((panel) => panel.frames[state.step]?.kind === "reasoned");
    state.timer = setTimeout(tick, reasons ? PACE.reasoned : PACE.executed);
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

function isListed(index) {
  const first = DATA.results[state.a];
  const [level, outcome] = [at("level").value, at("outcome").value];
  if (level !== "" && DATA.suites[first.suite].mazes[index][5] !== Number(level)) return false;
  if (["solved", "failed"].includes(outcome) && (outcome === "solved") !== solved(first, index)) return false;
  if (outcome.startsWith("end ") && endOf(first, index)[0] !== outcome.slice(4)) return false;
  if (!at("disagree").checked) return true;
  const others = state.b >= 0 ? [DATA.results[state.b]] : state.results.map((number) => DATA.results[number]);
  return others.some((other) => solved(other, index) !== solved(first, index));
}

// Lists the mazes that the filters leave, and shows the one chosen before where it is among them, else the best one.
function list() {
  const first = DATA.results[state.a];
  const suite = DATA.suites[first.suite];
  const listed = suite.mazes.map((_, index) => index).filter(isListed);
  const tick = (result, index) => (solved(result, index) ? "✓" : "✗");
  const outcome = (index) => {
    if (state.b >= 0) return `${tick(first, index)} ${tick(DATA.results[state.b], index)}`;
    return solved(first, index) ? "✓" : `✗ ${endOf(first, index)[1]}`;
  };
  const options = listed.map((index) => {
    const [, , , , , level, path] = suite.mazes[index];
    return [index, `${index} · ${outcome(index)} · ${shortestOf(path)} · ${suite.levels[level]}`];
  });
  if (!listed.includes(state.maze)) state.maze = listed.length ? best(listed, (index) => worth(first, index)) : -1;
  fill(at("maze"), options, state.maze);
  at("count").textContent = `${listed.length.toLocaleString("en")} of ${suite.mazes.length.toLocaleString("en")}`;
  return show();
}

function chooseAgents(a, b) {
  Object.assign(state, { a, b });
  const first = DATA.results[a];
  const named = state.results.map((number) => [number, DATA.results[number].title]);
  fill(at("agent-a"), named, a);
  fill(at("agent-b"), [[-1, "no other"], ...named.filter(([number]) => number !== a)], b);
  const names = b < 0 ? first.names : first.names.filter((name) => DATA.results[b].names.includes(name));
  if (!names.includes(state.sample)) state.sample = names[0];
  fill(at("sample"), names.map((name) => [name, name]), state.sample);
  at("sample-label").hidden = names.length === 1;
  const ends = first.ends.filter(([end]) => end !== "solved").map(([end, title]) => [`end ${end}`, title]);
  fill(at("outcome"), [["", "any"], ["solved", "solved"], ["failed", "failed"], ...ends], at("outcome").value);
}

function chooseTrack(track) {
  state.maze = -1;
  state.results = DATA.results.map((_, number) => number).filter((number) => DATA.results[number].track === track);
  fill(at("track"), DATA.tracks.map((title, number) => [number, title]), track);
  fill(at("level"), [["", "any"], ...DATA.suites[DATA.results[state.results[0]].suite].levels.map((name, i) => [i, name])], "");
  chooseAgents(state.results[0], -1);
}

// Opens at the attempt that is most worth seeing, of all results.
function open() {
  const mazesOf = (number) => DATA.suites[DATA.results[number].suite].mazes.map((_, index) => index);
  const worthOf = (number, index) => worth(DATA.results[number], index);
  const bestOf = DATA.results.map((_, number) => best(mazesOf(number), (index) => worthOf(number, index)));
  return replay(best([...bestOf.keys()], (number) => worthOf(number, bestOf[number])));
}

// Shows a result in the replay; only its attempts with that end, if one is given.
function replay(number, end) {
  chooseTrack(DATA.results[number].track);
  chooseAgents(number, -1);
  at("disagree").checked = false;
  at("outcome").value = !end ? "" : end === "solved" ? "solved" : `end ${end}`;
  return list();
}

function move(by) {
  const select = at("maze");
  select.selectedIndex = Math.max(0, Math.min(select.selectedIndex + by, select.length - 1));
  state.maze = Number(select.value);
  return show();
}
