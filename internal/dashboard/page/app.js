// Keeps the page up to date: asks once, then listens to the stream.

import * as asked from "/asked.js";
import * as draw from "/draw.js";
import { put } from "/format.js";
import { topology } from "/topology.js";

const byID = (id) => document.getElementById(id);
let ending = new AbortController(); // of the stream that is open

function show(summary) {
  const culprit = summary.why.culprit?.stage;
  document.title = summary.why.healthy ? `betimes ${summary.pipeline}` : `▲ ${culprit} · ${summary.pipeline}`;
  put("pipeline", summary.pipeline);
  draw.verdict(summary.why);
  draw.figures(summary.latency, summary.lag);
  draw.stages(summary.latency, culprit);
  draw.charts(summary.latency);
  draw.outcomes(summary.latency);
  asked.budget(summary.budget);
  asked.admission(summary);
  asked.batches(summary.models ?? []);
  asked.endpoints(summary.endpoints ?? []);
  draw.partitions({ partitions: summary.lag.partitions ?? [] });
  draw.keys(summary.keys ?? []);
  draw.roles(summary.instances ?? []);
  draw.changes(summary.changes);
  topology(byID("topology"), summary.topology);
}

function live(state, text) {
  byID("live").dataset.state = state;
  put("live-text", text);
}

// ask fetches a path of the API. A token, when one is needed, is that of this tab.
async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(`/api/v1/${path}`, { ...options, headers });
  byID("login").hidden = response.status !== 401;
  if (!response.ok) throw await response.json().catch(() => ({ title: response.statusText }));
  return response;
}

async function follow() {
  ending.abort();
  ending = new AbortController();
  const { signal } = ending;
  const window = encodeURIComponent(byID("window").value);
  for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 8000)) {
    try {
      show(await (await ask(`summary?window=${window}`, { signal })).json());
      const stream = await ask(`stream?window=${window}`, { signal });
      live("on", "live");
      wait = 250;
      await read(stream.body);
    } catch (error) {
      if (signal.aborted || !byID("login").hidden) return;
      console.warn("stream ended", error);
    }
    live("off", "no connection; trying again");
    await new Promise((done) => setTimeout(done, wait));
  }
}

// read shows each summary of a stream of server-sent events. EventSource cannot
// send a token, so the frames are taken apart here.
async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const frames = (text + value).split("\n\n");
    text = frames.pop();
    const data = frames.at(-1)?.split("\n").find((line) => line.startsWith("data: "));
    if (data) show(JSON.parse(data.slice(6)));
  }
}

// find shows the event that the address names: #event=ID can be passed on.
async function find() {
  const id = new URLSearchParams(location.hash.slice(1)).get("event");
  if (!id) return;
  byID("event-id").value = id;
  try {
    draw.explanation(await (await ask(`events/${encodeURIComponent(id)}`)).json());
  } catch (problem) {
    draw.problem([problem.title, problem.detail].filter(Boolean).join(": ") || "No answer; is the process still there?");
  }
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}

byID("window").addEventListener("change", follow);
byID("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const hash = `#${new URLSearchParams({ event: byID("event-id").value.trim() })}`;
  if (location.hash === hash) find(); // asked again
  else location.hash = hash;
});
addEventListener("hashchange", find);
byID("theme").addEventListener("click", switchTheme);
byID("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byID("token").value);
  byID("token").value = "";
  follow();
  find();
});
follow();
find();
