// Reads what the page brings along: JSON, arrays of numbers, sheets of thumbnails.
"use strict";

const ARRAYS = { u16: Uint16Array, i32: Int32Array, f32: Float32Array };
const NONE = -1;
const SHEETS_KEPT = 120;

function textOf(id) {
  const element = document.getElementById(id);
  return element ? element.textContent : null;
}

function unpack(packed) {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return new ARRAYS[packed.kind](bytes.buffer);
}

// What one method says of all rows; `margin` is how far the best class is ahead of the next one,
// and `sure` the share of rows, from 0 to 1, that have a smaller margin.
function readMethod(stored, place) {
  const method = { ...stored, place };
  method.classes = unpack(stored.classes);
  method.scores = unpack(stored.scores);
  method.spread = stored.spread ? unpack(stored.spread) : null;
  method.samples = stored.samples ? unpack(stored.samples) : null;
  const count = method.classes.length / method.width;
  method.margin = new Float32Array(count);
  for (let row = 0; row < count; row += 1) {
    const at = row * method.width;
    method.margin[row] = method.scores[at] - method.scores[at + 1];
  }
  method.sure = sharesBelow(method.margin);
  return method;
}

// The share of the other numbers that are smaller, or equal ones that come earlier; NaN stays.
function sharesBelow(values) {
  const known = [];
  values.forEach((value, row) => { if (!Number.isNaN(value)) known.push(row); });
  known.sort((a, b) => values[a] - values[b] || a - b);
  const shares = new Float32Array(values.length).fill(NaN);
  known.forEach((row, rank) => { shares[row] = rank / known.length; });
  return shares;
}

function readSet(number) {
  const stored = JSON.parse(textOf(`set-${number}`));
  const set = { ...stored, number };
  for (const key of ["image", "truth", "facetOf", "sizes"]) set[key] = unpack(stored[key]);
  set.count = set.image.length;
  set.methods = stored.methods.map(readMethod);
  return set;
}

function readCurves(set, method) {
  if (!method.timesteps) return null;
  if (!method.curves) {
    const stored = JSON.parse(textOf(`curves-${set.number}-${method.place}`));
    method.curves = { errors: unpack(stored.errors), differences: unpack(stored.differences) };
  }
  return method.curves;
}

function prediction(method, row) {
  return method.classes[row * method.width];
}

function isRight(set, method, row) {
  return prediction(method, row) === set.truth[row];
}

const sheets = new Map();

// A sheet as a decoded image; the last ones that were asked for are kept.
function sheetOf(set, place) {
  const id = `sheet-${set.number}-${place}`;
  let sheet = sheets.get(id);
  if (sheet) {
    sheets.delete(id);
  } else {
    const image = new Image();
    image.src = `data:image/webp;base64,${textOf(id)}`;
    sheet = image.decode().then(() => image);
  }
  sheets.set(id, sheet);
  if (sheets.size > SHEETS_KEPT) sheets.delete(sheets.keys().next().value);
  return sheet;
}

// Draws the image of a row into a canvas, which becomes as large as the thumbnail.
async function drawImage(canvas, set, row) {
  const perSheet = set.across ** 2;
  const place = Math.floor(row / perSheet);
  const within = row % perSheet;
  const edge = set.edges[place];
  const [width, height] = [set.sizes[2 * row], set.sizes[2 * row + 1]];
  canvas.dataset.row = row;
  const sheet = await sheetOf(set, place);
  if (canvas.dataset.row !== String(row)) return; // another image was asked for meanwhile
  canvas.width = width;
  canvas.height = height;
  canvas.classList.toggle("small", Math.max(width, height) <= 64);
  const left = (within % set.across) * edge;
  const top = Math.floor(within / set.across) * edge;
  canvas.getContext("2d").drawImage(sheet, left, top, width, height, 0, 0, width, height);
  canvas.dataset.drawn = row;
}
