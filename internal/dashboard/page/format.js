// Numbers as people read them, and elements without markup in strings.

const SVG = "http://www.w3.org/2000/svg";

export function duration(us) {
  if (us == null) return "–";
  if (us === 0) return "0";
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 100e3) return `${(us / 1e3).toFixed(1)} ms`;
  if (us < 1e6) return `${Math.round(us / 1e3)} ms`;
  if (us < 10e6) return `${(us / 1e6).toFixed(2)} s`;
  if (us < 600e6) return `${(us / 1e6).toFixed(1)} s`;
  return `${(us / 60e6).toFixed(0)} min`;
}

export function percent(share) {
  if (share > 0 && share < 0.001) return "<0.1 %";
  return `${(share * 100).toFixed(share === 0 || share >= 0.0995 ? 0 : 1)} %`;
}

export function number(n) {
  return Math.round(n).toLocaleString("en");
}

export function clock(time) {
  return `${new Date(time).toISOString().slice(11, 19)}Z`; // as in every sentence of the API
}

// element makes <name class=…>text</name>.
export function element(name, className, text) {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text != null) e.textContent = text;
  return e;
}

// shape makes an SVG element with attributes.
export function shape(name, attributes, text) {
  const e = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes ?? {})) e.setAttribute(key, value);
  if (text != null) e.textContent = text;
  return e;
}

// put writes text only where it differs, so that selections and screen readers are left alone.
export function put(id, text) {
  const e = document.getElementById(id);
  if (e.textContent !== text) e.textContent = text;
}
