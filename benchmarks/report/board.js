"use strict";
// Draws a maze and what happened in it. A cell is 100 units wide; cells are numbered row by row.

const CELL = 100;

function build(node, attributes, ...children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const make = (name, ...contents) => build(document.createElement(name), ...contents);
const shape = (name, attributes) => build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes);
const middle = (maze, cell) => [(cell % maze.cols + 0.5) * CELL, (Math.floor(cell / maze.cols) + 0.5) * CELL];

const polyline = (maze, cells, name) =>
  shape("polyline", { points: cells.map((cell) => middle(maze, cell).join(",")).join(" "), class: name });

function square(maze, cell, inset, name) {
  const [[x, y], width] = [middle(maze, cell), CELL - 2 * inset];
  return shape("rect", { x: x - width / 2, y: y - width / 2, width, height: width, rx: inset, class: name });
}

// The wall on a side of a cell, as [x1, y1, x2, y2].
function side(maze, cell, [, , down, right]) {
  const half = CELL / 2;
  const [x, y] = [middle(maze, cell)[0] + half * right, middle(maze, cell)[1] + half * down];
  return [x - half * Math.abs(down), y - half * Math.abs(right), x + half * Math.abs(down), y + half * Math.abs(right)];
}

// Whether a cell's digit of the walls has the one that a move would run into.
const hasWall = (digit, move) => Boolean((parseInt(digit, 16) >> move) & 1);

function wallsOf(maze, moves) {
  const walls = [...maze.walls].flatMap((digit, cell) =>
    moves.filter((_, bit) => hasWall(digit, bit)).map((move) => side(maze, cell, move)));
  return shape("path", { d: walls.map(([x1, y1, x2, y2]) => `M${x1} ${y1}L${x2} ${y2}`).join(""), class: "walls" });
}

// Whether a cell is visible under partial observability: in a square window around a cell that the agent was in.
function isSeen(maze, cell, visited, radius) {
  const [x, y] = middle(maze, cell);
  const isNear = ([atX, atY]) => Math.max(Math.abs(atX - x), Math.abs(atY - y)) <= radius * CELL;
  return visited.some((at) => isNear(middle(maze, at)));
}

// Draws a scene: where the agent is, its moves, and those of its reasoning. See `sceneAt` in panels.js.
function drawBoard(svg, maze, moves, scene, showPath, radius) {
  const [margin, width, height] = [8, maze.cols * CELL, maze.rows * CELL];
  svg.setAttribute("viewBox", `${-margin} ${-margin} ${width + 2 * margin} ${height + 2 * margin}`);
  const parts = [
    shape("rect", { x: 0, y: 0, width, height, class: "floor" }),
    square(maze, maze.origin, 14, "origin"),
    square(maze, maze.target, 14, "target"),
  ];
  if (radius !== null) {
    const visited = [maze.origin, ...scene.steps.map((step) => step.to)];
    const unseen = [...maze.walls].map((_, cell) => cell).filter((cell) => !isSeen(maze, cell, visited, radius));
    parts.push(...unseen.filter((cell) => cell !== maze.target).map((cell) => square(maze, cell, 0, "unseen")));
  }
  const taken = scene.steps.filter(({ from, to }) => from !== to);
  parts.push(...taken.map(({ from, to, mark }) => polyline(maze, [from, to], `trail ${mark}`)));
  if (showPath) parts.push(polyline(maze, maze.path, "path"));
  scene.reasoned.forEach((cells, i) => {
    const old = i < scene.reasoned.length - 1 || scene.reasoner === null;
    parts.push(polyline(maze, cells, old ? "reasoned old" : "reasoned"));
  });
  parts.push(wallsOf(maze, moves));
  for (const step of scene.steps.filter(({ mark }) => mark === "illegal")) {
    const [x1, y1, x2, y2] = side(maze, step.from, moves[step.move]);
    parts.push(shape("line", { x1, y1, x2, y2, class: "illegal" }));
  }
  const circle = (cell, r, name, more = { "data-cell": cell }, [cx, cy] = middle(maze, cell)) =>
    parts.push(shape("circle", { cx, cy, r, class: name, ...more }));
  circle(scene.position, 24, "agent");
  if (scene.fails) circle(scene.position, 42, "ending", {});
  if (scene.reasoner !== null) circle(scene.reasoner, 35, scene.invalid ? "reasoner invalid" : "reasoner");
  svg.replaceChildren(...parts);
}
