// Joins filters, grid and detail.
"use strict";

const form = document.getElementById("filters");
const dialog = document.getElementById("detail");
const sets = new Map();
const state = { set: null, method: null, rows: [] };

function fill(name, options, chosen) {
  const select = form.elements[name];
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

function classOptions(names, used) {
  const known = [...new Set(used)].filter((number) => number !== NONE).sort((a, b) => a - b);
  return [["", "all"], ...known.map((k) => [String(k), names[k] || `class ${k}`])];
}

function chooseSet(number) {
  if (!sets.has(number)) sets.set(number, readSet(number));
  const set = sets.get(number);
  const before = form.elements.method.value;
  state.set = set;
  fill("method", set.methods.map((one, place) => [String(place), one.label]), before);
  document.getElementById("facet-title").textContent = set.facet;
  fill("facet", classOptions(set.facets, set.facetOf), "");
  document.getElementById("predicted-label").hidden = set.captions;
  const hasMaps = Object.keys(set.maps).length > 0;
  document.getElementById("map-label").hidden = !hasMaps;
  if (!hasMaps) form.elements.map.value = MAPS[0][0];
  document.getElementById("about").textContent = [set.description, ...set.notes].join(" ");
  chooseMethod();
}

function chooseMethod() {
  const { set } = state;
  state.method = set.methods[Number(form.elements.method.value)];
  const before = form.elements.predicted.value;
  const said = Array.from({ length: set.count }, (_, row) => prediction(state.method, row));
  fill("predicted", set.captions ? [["", "all"]] : classOptions(set.names, said), before);
  choose();
}

function choose() {
  const values = Object.fromEntries(new FormData(form));
  const { set, method } = state;
  state.rows = chosenRows(set, method, values);
  document.getElementById("count").textContent = countText(set, method, state.rows);
  document.getElementById("nothing").hidden = state.rows.length > 0;
  grid.show(set, state.rows);
}

function describe(row) {
  const { set, method } = state;
  const said = prediction(method, row);
  const name = nameOf(set, said);
  const truth = nameOf(set, set.truth[row]);
  if (said === NONE) return { text: truth, name: `image ${set.image[row]}: ${truth}`, kind: "" };
  const right = isRight(set, method, row);
  const told = right ? `${name}, right` : `${name}, wrong: ${truth}`;
  return {
    text: right ? `✓ ${name}` : `✗ ${name} (${truth})`,
    name: `image ${set.image[row]}: ${told}`,
    kind: right ? "is-right" : "is-wrong",
  };
}

// --- the dialog

let opened = 0;

function open(place) {
  opened = place;
  if (!dialog.open) dialog.showModal();
  const row = state.rows[place];
  const count = state.rows.length.toLocaleString("en");
  const truth = nameOf(state.set, state.set.truth[row]);
  document.getElementById("detail-title").textContent = `${place + 1} of ${count}: ${truth}`;
  document.getElementById("previous").disabled = place === 0;
  document.getElementById("next").disabled = place === state.rows.length - 1;
  const body = document.getElementById("detail-body");
  const inside = body.clientWidth - 24;
  const width = Math.min(640, Math.max(280, inside > 660 ? inside - 300 : inside));
  body.replaceChildren(detailOf(state.set, state.method, row, width));
  body.scrollTop = 0;
}

function step(by) {
  const place = opened + by;
  if (place >= 0 && place < state.rows.length) open(place);
}

addEventListener("keydown", (event) => {
  if (!dialog.open || event.target.type === "radio") return; // there, arrows choose
  if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else return;
  event.preventDefault();
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => grid.focus(opened));
document.getElementById("previous").addEventListener("click", () => step(-1));
document.getElementById("next").addEventListener("click", () => step(1));
document.getElementById("close").addEventListener("click", () => dialog.close());

const grid = new Grid(document.getElementById("grid"), describe, open);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", (event) => {
  if (event.target.name === "set") chooseSet(Number(event.target.value));
  else if (event.target.name === "method") chooseMethod();
  else choose();
});
fill("answer", ANSWERS);
fill("sure", SURE);
fill("map", MAPS);
fill("order", ORDERS);
fill("set", JSON.parse(textOf("labels")).map((label, number) => [String(number), label]));
chooseSet(0);
// within a report, whose menu button lies over the page's corner
document.documentElement.classList.toggle("framed", window !== window.parent);
document.documentElement.dataset.ready = "yes";
