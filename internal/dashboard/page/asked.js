// How the deadline is spent before and while a model is asked: the budget, what is
// let in, calls that are shared, and the endpoints.

import { duration, element, number, percent, put } from "/format.js";
import { replaceText, waterfall } from "/parts.js";

const byID = (id) => document.getElementById(id);

// ms gives µs that were computed, so that they are not read to the last digit.
const ms = (us) => duration(us < 1000 ? Math.round(us) : Math.round(us / 10) * 10);

// budget draws what each stage needs inside of what it may take.
export function budget(b) {
  const some = b.stages.length > 0;
  byID("budget").hidden = byID("budget-figures").hidden = !some;
  byID("budget-empty").hidden = some;
  put("budget-objective", duration(b.latency_us));
  put("budget-need", duration(b.need_us));
  put("budget-slack", b.slack_us < 0 ? `${duration(-b.slack_us)} too little` : duration(b.slack_us));
  byID("budget-slack").classList.toggle("bad", b.slack_us < 0);
  let start = 0;
  waterfall(byID("budget"), b.stages.map((s) => {
    const row = { stage: s.stage, start, usual: s.need_us, long: s.may_us, cells: [duration(s.need_us), duration(s.may_us), percent(s.need_us / b.latency_us)] };
    start += Math.max(s.may_us, s.need_us);
    return row;
  }));
}

const decisionNames = [
  ["pass", "let in", "work"],
  ["probe", "let in to learn", "intake"],
  ["would_be_late", "would be late", "detour"],
  ["late", "too late", "bad"],
  ["priority", "made room for others", "wait"],
];

// admission draws what was let in, for each model that may refuse.
export function admission(summary) {
  const gate = summary.admission;
  byID("gate").hidden = !gate;
  put("gate-turned", perSecond(gate?.turned_away_per_s ?? 0));
  byID("gate-turned").classList.toggle("warn", (gate?.turned_away_per_s ?? 0) > 0);
  put("gate-bound", gate?.bound_per_s ? perSecond(gate.bound_per_s) : "no limit known");
  put("gate-need", gate?.need_us ? ms(gate.need_us) : "–");
  const models = (summary.models ?? []).filter((m) => m.admit);
  byID("admit-empty").hidden = models.length > 0;
  replaceText(byID("admit"), models, (m) => {
    const a = m.admit;
    const parts = decisionNames.map(([key, name, colour]) => ({ name, colour, count: a.decisions[key] ?? 0 }));
    const block = element("article", "asked");
    const facts = [["Let in", perSecond(a.in_per_s)], ["Refused", perSecond(a.refused_per_s), a.refused_per_s > 0], ["Inside now", number(a.inside)]];
    if (a.need_us) facts.push(["One more would take", ms(a.need_us)]);
    if (a.alone_us) facts.push(["When nobody waits", ms(a.alone_us)]);
    if (a.fallbacks) facts.push(["By the fallback", number(a.fallbacks)]);
    block.append(element("h3", "", m.name), figures(facts), split(parts, "No event in the last minute."));
    return block;
  });
}

const reasonNames = [
  ["alone", "nobody waited", "work"],
  ["free", "took all who waited", "intake"],
  ["full", "full", "ask"],
  ["bytes", "full of bytes", "publish"],
  ["deadline", "one more would be late", "detour"],
];

// batches draws how events share calls, for each model whose events may.
export function batches(models) {
  const all = models.filter((m) => m.batch);
  byID("batch-empty").hidden = all.length > 0;
  replaceText(byID("batch"), all, (m) => {
    const b = m.batch;
    const block = element("article", "asked");
    block.append(element("h3", "", m.name), figures([
      ["Events per call", b.mean_events ? b.mean_events.toFixed(1) : "–"],
      ["Calls", perSecond(b.calls_per_s)],
      ["Under way", `${number(b.under_way)} of ${number(b.limit)}`],
      ["A call takes", b.call_us || b.event_us ? `${ms(b.call_us)} + ${ms(b.event_us)} an event` : "–"],
    ]));
    block.append(split(reasonNames.map(([key, name, colour]) => ({ name, colour, count: b.reasons[key] ?? 0 })), "No call in the last minute."));
    if (b.sizes?.some((n) => n > 0)) block.append(columns(b.sizes));
    block.append(element("p", "hint", lanesText(b)));
    if (b.apart) block.append(element("p", "warn", "Asked about one event at a time: the model answers otherwise when it is asked about several together."));
    if (b.splits) block.append(element("p", "warn", `${number(b.splits)} calls failed for one of their events and were parted.`));
    return block;
  });
}

function lanesText(b) {
  if (!b.waiting) return `Nobody waits. A call may be about ${number(b.most)} events.`;
  const lanes = (b.lanes ?? []).map((l) => `${number(l.waiting)} of priority ${l.priority}, the first for ${ms(l.oldest_us)}`);
  return `${number(b.waiting)} wait: ${lanes.join("; ")}.`;
}

// columns draws calls by size; sizes double from one to the next.
function columns(sizes) {
  const last = sizes.findLastIndex((n) => n > 0);
  const shown = sizes.slice(0, Math.max(last + 1, 4));
  const most = Math.max(1, ...shown);
  const list = element("ol", "columns");
  list.setAttribute("aria-label", "Calls by number of events");
  shown.forEach((n, i) => {
    const item = element("li");
    const label = i < 2 ? `${i + 1}` : `${2 ** (i - 1) + 1}–${2 ** i}`;
    const bar = element("span", "bar");
    bar.style.setProperty("--level", n / most);
    item.title = `${number(n)} calls about ${label} ${label === "1" ? "event" : "events"}`;
    item.append(bar, element("span", "size", label));
    list.append(item);
  });
  return list;
}

// figures draws names with their values; the third of each says that it needs a look.
function figures(facts) {
  const list = element("dl", "figures small");
  for (const [name, text, look] of facts) {
    const item = element("div");
    item.append(element("dt", "", name), element("dd", look ? "warn" : "", text));
    list.append(item);
  }
  return list;
}

// split draws parts of a whole as one bar with a key.
function split(parts, nothing) {
  const whole = parts.reduce((sum, p) => sum + p.count, 0);
  if (whole <= 0) return element("p", "hint", nothing);
  const box = element("div");
  const bar = element("div", "split");
  const key = element("ul", "keys");
  for (const p of parts.filter((one) => one.count > 0)) {
    const part = element("span");
    part.dataset.colour = p.colour;
    part.style.flexGrow = p.count / whole;
    bar.append(part);
    const item = element("li", "", `${p.name} ${percent(p.count / whole)}`);
    item.dataset.colour = p.colour;
    item.title = number(p.count);
    key.append(item);
  }
  box.append(bar, key);
  return box;
}

const notMade = { busy: "busy", errors: "calls fail", late: "too late", nowhere: "nowhere to go", budget: "none left" };

// endpoints draws the table of those that are asked.
export function endpoints(all) {
  byID("endpoints").hidden = byID("endpoints-hint").hidden = all.length === 0;
  byID("endpoints-empty").hidden = all.length > 0;
  replaceText(byID("endpoints").tBodies[0], all, (e) => {
    const row = element("tr");
    const name = element("th", "", e.name === e.model ? e.name : `${e.model} · ${e.name}`);
    name.scope = "row";
    name.append(element("small", "", ` ${e.door}`));
    const failed = Object.entries(e.invocations ?? {}).filter(([cls, n]) => cls !== "ok" && cls !== "canceled" && n > 0); // those were given up
    const state = element("td", ...stateOf(e));
    if (e.last_error) state.title = e.last_error;
    const share = element("td", "share", percent(e.share));
    share.style.setProperty("--level", e.share);
    row.append(name, state, element("td", "", `${number(e.in_flight)} of ${number(e.limit)}`), element("td", "", number(e.rate_per_s)), share,
      element("td", "", duration(e.learned_us || null)), element("td", "", duration(e.p50_us || null)), element("td", "", duration(e.p99_us || null)),
      element("td", failed.length ? "wrap warn" : "wrap", failed.map(([cls, n]) => `${number(n)} ${cls.replaceAll("_", " ")}`).join(", ") || "0"), element("td", "", number(e.retries)));
    row.append(element("td", "wrap", secondText(e.hedges ?? {})));
    return row;
  });
}

function stateOf(e) {
  if (!e.up) return ["bad", "▲ down"];
  return e.out ? ["warn", "◆ left alone"] : ["good", "● up"];
}

function secondText(hedges) {
  const made = ["won", "lost", "failed"].filter((r) => hedges[r]).map((r) => `${number(hedges[r])} ${r}`);
  const not = Object.keys(notMade).filter((r) => hedges[r]).map((r) => `${number(hedges[r])} ${notMade[r]}`);
  if (not.length) made.push(`not made: ${not.join(", ")}`);
  return made.join(", ") || "–";
}

function perSecond(n) {
  if (n > 0 && n < 1) return "<1/s";
  return `${number(n)}/s`;
}
