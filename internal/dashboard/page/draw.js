// What a summary looks like. Each function draws one part of the page.

import { clock, duration, element, number, percent, put, shape } from "/format.js";
import { replaceText, waterfall } from "/parts.js";

const byID = (id) => document.getElementById(id);

export function verdict(why) {
  const card = byID("verdict");
  card.dataset.state = why.healthy ? "healthy" : "trouble";
  put("verdict-text", why.sentence);
  // Told aloud only when it changes; the sentence has a new figure every second.
  put("verdict-state", why.healthy ? "Healthy" : `Trouble: ${why.culprit?.stage} is to blame`);
  byID("verdict-remedy").hidden = !why.remedy;
  put("verdict-remedy", why.remedy);
  byID("verdict-more").hidden = why.evidence.length === 0;
  replaceText(byID("verdict-evidence"), why.evidence, (text) => element("li", "", text));
}

export function figures(latency, lag) {
  const some = latency.event.count > 0;
  put("p50", some ? duration(latency.event.p50_us) : "–");
  put("p99", some ? duration(latency.event.p99_us) : "–");
  put("objective", `${percent(latency.objective.target)} in ${duration(latency.objective.latency_us)}`);
  const late = some ? percent(latency.late_share) : "–";
  put("late", latency.shed_share > 0 ? `${late}, shed ${percent(latency.shed_share)}` : late);
  byID("late").classList.toggle("bad", !latency.objective.kept);
  put("rate", `${number(latency.rate_per_s)}/s`);
  put("events", number(latency.event.count));
  put("lag-records", number(lag.records));
  put("lag-delay", duration(lag.delay_s * 1e6));
  put("held", `${number(latency.in_flight)} in work of at most ${number(latency.limit)}, ${number(latency.queued)} waiting`);
}

export function stages(latency, culprit) {
  let start = 0;
  const rows = (latency.stages ?? []).map((s) => {
    const row = { stage: s.stage, start, usual: s.p50_us, long: s.p99_us, cells: [duration(s.p50_us), duration(s.p99_us), percent(s.share)] };
    if (s.count * 2 >= latency.event.count) start += s.p50_us; // a detour of few does not move the rest
    return row;
  });
  const table = byID("waterfall");
  table.hidden = rows.length === 0;
  byID("shares").hidden = rows.length === 0;
  byID("waterfall-empty").hidden = rows.length > 0;
  waterfall(table, rows, culprit);
  shares(latency.stages ?? []);
}

// shares draws all stages as one bar.
function shares(all) {
  const bar = byID("shares");
  const width = bar.clientWidth;
  while (bar.children.length > all.length) bar.lastChild.remove();
  all.forEach((s, i) => {
    const part = bar.children[i] ?? bar.appendChild(element("span"));
    part.dataset.stage = s.stage;
    part.style.flexGrow = s.share;
    part.title = `${s.stage} ${percent(s.share)}`;
    const label = s.share * width > s.stage.length * 8.5 ? s.stage : "";
    if (part.textContent !== label) part.textContent = label;
  });
  bar.setAttribute("aria-label", "Share of each stage: " + all.map((s) => `${s.stage} ${percent(s.share)}`).join(", "));
}

const WIDTH = 480;
const HEIGHT = 130;
const LEFT = 56;
const BASE = HEIGHT - 18;
const TOP = 10;

export function charts(latency) {
  const points = latency.series;
  chart(byID("chart-latency"), points, [
    { name: "p99", values: points.map((p) => p.p99_us), gaps: true },
    { name: "p50", values: points.map((p) => p.p50_us), gaps: true },
  ], duration, latency.objective.latency_us);
  chart(byID("chart-rate"), points, [{ name: "rate", values: points.map((p) => p.rate_per_s), area: true }], number);
}

function chart(svg, points, lines, format, goal) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const most = round(Math.max(1, ...lines.flatMap((l) => l.values)));
  const shown = goal != null && goal <= most * 3 ? Math.max(most, round(goal)) : most;
  const x = (i) => LEFT + ((WIDTH - LEFT - 4) * i) / Math.max(1, points.length - 1);
  const y = (v) => BASE - ((BASE - TOP) * v) / shown;
  const parts = [];
  const half = format(shown / 2) === format(shown) ? [] : [shown / 2]; // nothing measured: no figure twice
  for (const v of [0, ...half, shown]) {
    parts.push(shape("line", { x1: LEFT, x2: WIDTH - 4, y1: y(v), y2: y(v), class: "grid" }));
    parts.push(shape("text", { x: LEFT - 6, y: y(v) + 3, class: "tick end" }, format(v)));
  }
  const far = goal != null && goal > shown; // a line outside of the picture needs no key
  if (goal != null) svg.parentElement.querySelector(".goal").hidden = far;
  if (goal != null && !far) parts.push(shape("line", { x1: LEFT, x2: WIDTH - 4, y1: y(goal), y2: y(goal), class: "goal" }));
  for (const l of lines) {
    if (l.area) parts.push(shape("path", { d: path(l.values, x, y) + `L${x(points.length - 1)},${BASE}L${x(0)},${BASE}Z`, class: "area" }));
    parts.push(shape("path", { d: path(l.values, x, y, l.gaps), class: `line ${l.name}` }));
  }
  if (points.length > 1) {
    parts.push(shape("text", { x: LEFT, y: HEIGHT - 4, class: "tick" }, clock(points[0].at)));
    parts.push(shape("text", { x: WIDTH - 4, y: HEIGHT - 4, class: "tick end" }, clock(points.at(-1).at)));
  }
  svg.replaceChildren(...parts);
}

// round gives the next number of the form 1, 2 or 5 times a power of ten.
function round(v) {
  const power = 10 ** Math.floor(Math.log10(v));
  return power * [1, 2, 5, 10].find((step) => step * power >= v);
}

// path leaves gaps where nothing was measured; a value between two gaps is a dot.
function path(values, x, y, gaps) {
  let pen = "M";
  let d = "";
  values.forEach((v, i) => {
    if (gaps && v === 0) {
      pen = "M";
      return;
    }
    d += `${pen}${x(i).toFixed(1)},${y(v).toFixed(1)}${pen === "M" ? "h0" : ""}`;
    pen = "L";
  });
  return d;
}

const outcomeNames = {
  accepted: "Accepted",
  failed: "Not taken by brokers",
  predicted: "Predicted",
  late: "of them late",
  dead_letter: "Dead letters",
  quarantined: "Quarantined",
  shed: "Shed",
  duplicate: "Duplicates",
  turned_away: "Turned away",
};

export function outcomes(latency) {
  const counts = latency.outcomes ?? {};
  const all = Object.entries(outcomeNames).filter(([name]) => name === "predicted" || (name === "failed" ? counts[name] > 0 : name in counts));
  const list = byID("outcomes");
  replaceText(list, all.map(([name, title]) => ({ name, title, count: number(counts[name] ?? 0) })), (o) => {
    const item = element("div");
    const value = element("dd", o.count !== "0" && ["failed", "late", "dead_letter", "quarantined", "shed", "turned_away"].includes(o.name) ? "warn" : "", o.count);
    value.id = `outcome-${o.name}`;
    item.append(element("dt", "", o.title), value);
    return item;
  });
}

export function partitions(lag) {
  const most = Math.max(1, ...lag.partitions.map((p) => p.records));
  const list = byID("partitions");
  while (list.children.length > lag.partitions.length) list.lastChild.remove();
  lag.partitions.forEach((p, i) => {
    const bar = list.children[i] ?? list.appendChild(element("li"));
    bar.title = `${p.topic} ${p.partition}: ${number(p.records)} records, ${duration(p.delay_s * 1e6)} behind`;
    bar.setAttribute("aria-label", bar.title);
    bar.style.setProperty("--level", p.records / most);
  });
}

export function keys(all) {
  byID("keys-part").hidden = all.length === 0;
  const lines = all.map((k) => [k.key, `partition ${k.partition}, ${k.worker}: ${percent(k.share)} of the events, ${number(k.per_s)}/s`, k.waiting ? `, ${number(k.waiting)} waiting` : ""]);
  replaceText(byID("keys"), lines, ([key, what, waiting]) => {
    const item = element("li");
    item.append(element("strong", "", key), element("span", "", ` ${what}`), element("span", "warn", waiting));
    return item;
  });
}

export function roles(all) {
  replaceText(byID("roles"), all.map((i) => [i.role, i.name, i.silent, i.silent ? clock(i.at) : ""]), ([role, name, silent, at]) => {
    const item = element("li");
    item.append(element("span", silent ? "bad" : "good", silent ? "▲" : "●"), element("strong", "", ` ${role} `), element("span", "", name));
    if (silent) item.append(element("span", "bad", ` silent since ${at}`));
    return item;
  });
}

export function changes(all) {
  const lines = (all ?? []).map((c) => [clock(c.at), c.kind, c.what]);
  replaceText(byID("changes"), lines.length ? lines : [["", "", "Nothing has changed lately."]], ([at, kind, what]) => {
    const item = element("li");
    if (at) item.append(element("time", "", at), element("strong", "", ` ${kind} `));
    item.append(element("span", "", what));
    return item;
  });
}

// explanation draws one event's own waterfall.
export function explanation(x) {
  const parts = [];
  const head = element("p", "sentence", `${x.id}: ${placeText(x)}`);
  parts.push(head);
  const facts = element("dl", "figures");
  for (const [name, text] of factsOf(x)) {
    const item = element("div");
    item.append(element("dt", "", name), element("dd", "", text));
    facts.append(item);
  }
  parts.push(facts);
  if (x.stages.length) parts.push(eventWaterfall(x));
  for (const [name, text] of [["Why", x.error], ["Decisions", decided(x.decisions)], ["Prediction", x.prediction === undefined ? "" : JSON.stringify(x.prediction)], ["Payload", x.payload]]) {
    if (text) parts.push(element("p", "fact", `${name}: ${text}`));
  }
  if (x.skew) parts.push(element("p", "hint", "Two clocks disagreed: a stage that came out negative is shown as zero."));
  byID("explanation").replaceChildren(...parts);
}

// decided writes decisions as "room what (why)", one behind the other.
function decided(text) {
  return (text ?? "").split(";").filter(Boolean).map((one) => {
    const [room, what, ...why] = one.split(":");
    return why.length ? `${room} ${what} (${why.join(":").replaceAll(",", ", ")})` : one;
  }).join(" · ");
}

function placeText(x) {
  if (x.place === "unfinished") return "on its way";
  if (x.place === "predicted") {
    const of = x.deadline && x.began ? ` of ${duration((Date.parse(x.deadline) - Date.parse(x.began)) * 1000)}` : "";
    return `predicted after ${duration(x.latency_us)}${of}${x.late ? ", late" : ", in time"}`;
  }
  return `${x.place.replace("_", " ")}${x.reason ? `, because of ${x.reason}` : ""}${x.stage ? ` in ${x.stage}` : ""}`;
}

function factsOf(x) {
  const place = (r) => `${r.topic} ${r.partition}:${r.offset}`;
  return [
    ["Key", x.key], ["Accepted", x.accepted && place(x.accepted)], ["Ended", x.ended && place(x.ended)],
    ["Model", x.model && [x.model.name, x.model.version].filter(Boolean).join(" ")], ["Status", x.status], ["Cache", x.cache],
    ["Batch", x.batch], ["Attempts", x.attempts],
  ].filter(([, text]) => text).map(([name, text]) => [name, String(text)]);
}

function eventWaterfall(x) {
  const table = element("table", "waterfall");
  const head = table.createTHead().insertRow();
  for (const [text, className] of [["Stage", ""], ["", "bars"], ["Time", ""], ["", ""], ["Share", ""]]) head.append(element("th", className, text));
  table.createTBody();
  let start = 0;
  const total = Math.max(1, x.latency_us);
  waterfall(table, x.stages.map((s) => {
    const row = { stage: s.stage, start, usual: s.us, long: s.us, cells: [duration(s.us), "", percent(s.us / total)] };
    start += s.us;
    return row;
  }));
  return table;
}

export function problem(text) {
  byID("explanation").replaceChildren(element("p", "bad", text));
}
