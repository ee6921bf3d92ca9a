// Attempts as the page's data has them (benchmarks/report/replay.py), step by step. A page has `state.sample`, the name of
// the sample that is shown of several. All texts enter a page as text, never as HTML.

let DATA = null; // once `ready`
const ARROWS = ["↑", "↓", "←", "→"];
const PACE = { executed: 420, reasoned: 140 }; // milliseconds a step, playing
const MAX_CAPTION = 36; // letters of a piece of text, in the line below a board
const at = (id) => document.getElementById(id);

const fill = (select, options, chosen) => select.replaceChildren(
  ...options.map(([value, text]) => new Option(text, value, false, String(value) === String(chosen))),
);

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

// What `packed` made (benchmarks/report/replay.py); a promise.
function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// The page's data are there.
const ready = unpacked(JSON.parse(at("data").textContent)).then((data) => { DATA = data; });

// The texts of a result, taken apart (benchmarks/report/trace_replay.py); a promise.
function textsOf(result) {
  result.unpacked ??= result.texts === null ? Promise.resolve(null) : unpacked(result.texts);
  return result.unpacked;
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
      if (!scene.reasoned.length || frame.flags.includes("restart")) scene.reasoned.push([maze.origin]);
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
    const captions = { restart: ", restarts", invalid: ", invalid in this maze" };
    const flags = frame.flags.map((flag) => captions[flag]).join("");
    const text = panel.pieces[frame.place][0].trim();
    return `reasoned: ${text.length > MAX_CAPTION ? `${text.slice(0, MAX_CAPTION)}…` : text}${flags}`;
  }
  const mark = { detour: ", detour: leaves every shortest path", illegal: ", illegal: there is a wall" }[frame.mark];
  return `move ${frame.index + 1}: ${DATA.moves[frame.move][1]}${mark || ""}`;
}

const shortestOf = (letters) => (letters === null ? "unreachable" : `shortest ${letters.length}`);

function outcomeOf(result, index, maze) {
  const attempt = attemptAt(result, index);
  const [end, title] = endOf(result, index);
  const count = result.moves[attempt].length;
  const parts = [end === "solved" ? "solved" : `failed: ${title}`, `${count} move${count === 1 ? "" : "s"}, ${maze.shortest}`];
  if (result.tokens[attempt] !== null) parts.push(`${result.tokens[attempt]} tokens`);
  if (result.truncated[attempt]) parts.push("truncated by its budget");
  return parts.join(" · ");
}
