"use strict";
// Draws a maze and what happened in it. A cell is 100 units wide; cells are numbered row by row.

const CELL = 100;

function shape(name, attributes, children = []) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function middle(maze, cell) {
  return [(cell % maze.cols) * CELL + CELL / 2, Math.floor(cell / maze.cols) * CELL + CELL / 2];
}

function square(maze, cell, inset, name) {
  const [x, y] = middle(maze, cell);
  const side = CELL - 2 * inset;
  return shape("rect", { x: x - side / 2, y: y - side / 2, width: side, height: side, rx: inset, class: name });
}

function polyline(maze, cells, name) {
  return shape("polyline", { points: cells.map((cell) => middle(maze, cell).join(",")).join(" "), class: name });
}

// The wall on a side of a cell, as [x1, y1, x2, y2].
function side(maze, cell, [, , down, right]) {
  const [x, y] = middle(maze, cell);
  const half = CELL / 2;
  return [
    x + half * (right - Math.abs(down)), y + half * (down - Math.abs(right)),
    x + half * (right + Math.abs(down)), y + half * (down + Math.abs(right)),
  ];
}

function wallsOf(maze, moves) {
  const lines = [];
  for (let cell = 0; cell < maze.rows * maze.cols; cell++) {
    moves.forEach((move, bit) => {
      if ((parseInt(maze.walls[cell], 16) >> bit) & 1) {
        const [x1, y1, x2, y2] = side(maze, cell, move);
        lines.push(`M${x1} ${y1}L${x2} ${y2}`);
      }
    });
  }
  return shape("path", { d: lines.join(""), class: "walls" });
}

// The cells visible so far under partial observability: a square window around each cell that the agent was in.
function seenCells(maze, visited, radius) {
  const seen = new Set();
  for (const cell of visited) {
    const row = Math.floor(cell / maze.cols);
    const col = cell % maze.cols;
    for (let r = Math.max(0, row - radius); r <= Math.min(maze.rows - 1, row + radius); r++) {
      for (let c = Math.max(0, col - radius); c <= Math.min(maze.cols - 1, col + radius); c++) seen.add(r * maze.cols + c);
    }
  }
  return seen;
}

// Draws a scene: where the agent is, its moves, and those of its reasoning. See `sceneAt` in viewer.js.
function drawBoard(svg, maze, moves, scene, showPath, radius) {
  const margin = 8;
  svg.setAttribute(
    "viewBox", `${-margin} ${-margin} ${maze.cols * CELL + 2 * margin} ${maze.rows * CELL + 2 * margin}`,
  );
  const parts = [
    shape("rect", { x: 0, y: 0, width: maze.cols * CELL, height: maze.rows * CELL, class: "floor" }),
    square(maze, maze.origin, 14, "origin"),
    square(maze, maze.target, 14, "target"),
  ];
  if (radius !== null) {
    const seen = seenCells(maze, [maze.origin, ...scene.steps.map((step) => step.to)], radius);
    for (let cell = 0; cell < maze.rows * maze.cols; cell++) {
      if (!seen.has(cell) && cell !== maze.target) parts.push(square(maze, cell, 0, "unseen"));
    }
  }
  for (const step of scene.steps) {
    if (step.to !== step.from) parts.push(polyline(maze, [step.from, step.to], `trail ${step.mark}`));
  }
  if (showPath) parts.push(polyline(maze, maze.path, "path"));
  scene.reasoned.forEach((cells, i) => {
    const old = i < scene.reasoned.length - 1 || scene.reasoner === null;
    parts.push(polyline(maze, cells, old ? "reasoned old" : "reasoned"));
  });
  parts.push(wallsOf(maze, moves));
  for (const step of scene.steps) {
    if (step.mark === "illegal") {
      const [x1, y1, x2, y2] = side(maze, step.from, moves[step.move]);
      parts.push(shape("line", { x1, y1, x2, y2, class: "illegal" }));
    }
  }
  const [x, y] = middle(maze, scene.position);
  parts.push(shape("circle", { cx: x, cy: y, r: 24, class: "agent", "data-cell": scene.position }));
  if (scene.fails) parts.push(shape("circle", { cx: x, cy: y, r: 42, class: "ending" }));
  if (scene.reasoner !== null) {
    const [cx, cy] = middle(maze, scene.reasoner);
    const invalid = scene.invalid ? " invalid" : "";
    parts.push(shape("circle", { cx, cy, r: 35, class: `reasoner${invalid}`, "data-cell": scene.reasoner }));
  }
  svg.replaceChildren(...parts);
}
