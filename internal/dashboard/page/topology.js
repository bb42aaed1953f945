// The drawing of the pipeline: boxes in columns, arrows between them.

import { shape } from "/format.js";

const WIDTH = 160;
const GAP_X = 38;
const GAP_Y = 22;
const HEAD = 32;
const LINE = 16;
const MOST = 23; // characters of a line

export function topology(svg, t) {
  const now = JSON.stringify(t);
  if (svg.dataset.drawn === now) return;
  svg.dataset.drawn = now;
  const { boxes, width, height } = layout(t.boxes);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", describe(t));
  const tip = shape("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" });
  tip.append(shape("path", { d: "M0,0L8,4L0,8Z", class: "tip" }));
  const defs = shape("defs");
  defs.append(tip);
  svg.replaceChildren(defs, ...t.arrows.map((a) => arrow(boxes, a)), ...[...boxes.values()].map(box));
}

function layout(all) {
  const columns = new Map();
  for (const b of all) columns.set(b.column, [...(columns.get(b.column) ?? []), b]);
  const order = [...columns.keys()].sort((a, b) => a - b);
  const tall = (b) => HEAD + LINE * (b.lines ?? []).length + 8;
  const heights = order.map((c) => columns.get(c).reduce((sum, b) => sum + tall(b) + GAP_Y, -GAP_Y));
  const height = Math.max(...heights) + 16;
  const boxes = new Map();
  order.forEach((c, i) => {
    let y = (height - heights[i]) / 2;
    for (const b of columns.get(c)) {
      boxes.set(b.id, { ...b, x: 4 + i * (WIDTH + GAP_X), y, h: tall(b) });
      y += tall(b) + GAP_Y;
    }
  });
  return { boxes, height, width: order.length * (WIDTH + GAP_X) - GAP_X + 8 };
}

function box(b) {
  const g = shape("g", { class: `box ${b.kind}`, "data-state": b.state || "unknown", "data-box": b.id });
  g.append(shape("title", {}, [b.title, ...(b.lines ?? []), b.state].filter(Boolean).join(", ")));
  g.append(shape("rect", { x: b.x, y: b.y, width: WIDTH, height: b.h, rx: b.kind === "outside" ? b.h / 2 : 9 }));
  const middle = b.lines?.length ? b.y + 21 : b.y + b.h / 2 + 5;
  g.append(shape("text", { x: b.x + WIDTH / 2, y: middle, class: "title" }, short(b.title)));
  (b.lines ?? []).forEach((line, i) => g.append(shape("text", { x: b.x + WIDTH / 2, y: b.y + HEAD + 7 + LINE * i, class: "line" }, short(line))));
  if (b.state) g.append(shape("circle", { cx: b.x + WIDTH - 3, cy: b.y + 3, r: 5.5, class: "state" }));
  return g;
}

const short = (text) => (text.length > MOST ? `${text.slice(0, MOST - 1)}…` : text);

function arrow(boxes, a) {
  const from = boxes.get(a.from);
  const to = boxes.get(a.to);
  if (!from || !to) return shape("g");
  const back = to.x < from.x;
  const x1 = back ? from.x : from.x + WIDTH;
  const x2 = back ? to.x + WIDTH : to.x;
  const [y1, y2] = [from.y + from.h / 2, to.y + to.h / 2];
  const bend = (x2 - x1) / 2;
  const g = shape("g", { class: "arrow" });
  g.append(shape("path", { d: `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`, "marker-end": "url(#tip)" }));
  if (a.label && a.label.length < 6) g.append(shape("text", { x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 6, class: "label" }, a.label));
  return g;
}

function describe(t) {
  const names = new Map(t.boxes.map((b) => [b.id, b.title]));
  return t.arrows.map((a) => `${names.get(a.from)} to ${names.get(a.to)}${a.label ? ` (${a.label})` : ""}`).join("; ");
}
