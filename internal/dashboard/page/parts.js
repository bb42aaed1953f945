// Parts that several drawings are made of.

import { element } from "/format.js";

// replaceText draws a list again only when it says something else.
export function replaceText(parent, all, draw) {
  const now = JSON.stringify(all);
  if (parent.dataset.drawn === now) return;
  parent.dataset.drawn = now;
  parent.replaceChildren(...all.map(draw));
}

// waterfall draws stages as rows whose bars begin where the stage before ends.
export function waterfall(table, rows, culprit) {
  const body = table.tBodies[0];
  const scale = Math.max(1, ...rows.map((r) => r.start + Math.max(r.long, r.usual)));
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((r, i) => drawRow(body.rows[i] ?? newRow(body), r, scale, culprit));
}

function newRow(body) {
  const row = body.insertRow();
  const name = element("th");
  name.scope = "row";
  const bars = element("td", "bars");
  const track = element("div", "track");
  track.append(element("span", "long"), element("span", "usual"));
  bars.append(track);
  row.append(name, bars, element("td"), element("td"), element("td"));
  return row;
}

function drawRow(row, r, scale, culprit) {
  const [name, bars, ...cells] = row.cells;
  row.dataset.stage = r.stage;
  row.classList.toggle("culprit", r.stage === culprit);
  const label = r.stage === culprit ? `${r.stage} ◂ to blame` : r.stage;
  if (name.textContent !== label) name.textContent = label;
  const [long, usual] = bars.firstChild.children;
  const left = `${(100 * r.start) / scale}%`;
  long.style.insetInlineStart = usual.style.insetInlineStart = left;
  long.style.inlineSize = `${(100 * Math.max(r.long, r.usual)) / scale}%`;
  usual.style.inlineSize = `${(100 * r.usual) / scale}%`;
  r.cells.forEach((text, i) => {
    if (cells[i].textContent !== text) cells[i].textContent = text;
  });
}
