// Renders Mermaid text from stdin with the real library in the system's
// Chromium, without any network, and prints the labels of the drawing as JSON.
// Usage: node render.mjs CHROMIUM [PICTURE.png] < diagram
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json")); // packages are where we were started
const { chromium } = require("playwright-core");

const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  await page.route("**", (route) => route.abort());
  await page.addScriptTag({ path: "node_modules/mermaid/dist/mermaid.min.js" });
  const drawn = await page.evaluate(async (text) => {
    mermaid.initialize({ startOnLoad: false, htmlLabels: false, flowchart: { htmlLabels: false } });
    const { svg } = await mermaid.render("drawing", text);
    document.body.innerHTML = svg;
    const words = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent.replace(/\s+/g, " ").trim());
    return { nodes: words("g.node"), clusters: words("g.cluster"), edges: document.querySelectorAll("path.flowchart-link").length };
  }, readFileSync(0, "utf8"));
  if (process.argv[3]) await page.locator("#drawing").screenshot({ path: process.argv[3] });
  console.log(JSON.stringify(drawn));
} finally {
  await browser.close();
}
