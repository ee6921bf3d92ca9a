// The report's replay: which attempts are shown.

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
