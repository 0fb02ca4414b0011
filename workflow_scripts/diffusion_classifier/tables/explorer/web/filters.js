// Chooses and orders the rows that are shown.
"use strict";

const ANSWERS = [["all", "right and wrong"], ["wrong", "wrong"], ["right", "right"]];
const SURE = [
  ["0-1", "any"],
  ["0-0.1", "the least sure tenth"],
  ["0-0.25", "the least sure quarter"],
  ["0-0.5", "the less sure half"],
  ["0.5-1", "the surer half"],
  ["0.75-1", "the surest quarter"],
  ["0.9-1", "the surest tenth"],
];
const MAPS = [["all", "any"], ["stored", "stored"]];
const ORDERS = [
  ["stored", "as in the data set"],
  ["least", "smallest margin first"],
  ["most", "largest margin first"],
];

// The rows that fit, in order. `state` has `facet` and `predicted` (a number or ""), `answer`,
// `sure`, `map` and `order`; rows that the method was not asked about fit no filter of its answer.
function chosenRows(set, method, state) {
  const rows = [];
  const [low, high] = state.sure.split("-").map(Number);
  for (let row = 0; row < set.count; row += 1) {
    const said = prediction(method, row);
    if (state.facet !== "" && set.facetOf[row] !== Number(state.facet)) continue;
    if (state.map === "stored" && !(row in set.maps)) continue;
    if (state.predicted !== "" && said !== Number(state.predicted)) continue;
    if (state.answer !== "all") {
      if (said === NONE || isRight(set, method, row) !== (state.answer === "right")) continue;
    }
    const sure = method.sure[row];
    if (state.sure !== SURE[0][0] && !(sure >= low && sure < high)) continue;
    rows.push(row);
  }
  if (state.order === "stored") return rows;
  const sign = state.order === "least" ? 1 : -1;
  const { margin } = method;
  const last = (row) => (Number.isNaN(margin[row]) ? 1 : 0);
  return rows.sort((a, b) => last(a) - last(b) || sign * (margin[a] - margin[b]) || a - b);
}

function countText(set, method, rows) {
  let right = 0;
  let wrong = 0;
  for (const row of rows) {
    if (prediction(method, row) === NONE) continue;
    if (isRight(set, method, row)) right += 1;
    else wrong += 1;
  }
  const images = `${rows.length.toLocaleString("en")} of ${set.count.toLocaleString("en")} images`;
  const without = rows.length - right - wrong;
  const parts = [`${right.toLocaleString("en")} right`, `${wrong.toLocaleString("en")} wrong`];
  if (without) parts.push(`${without.toLocaleString("en")} without an answer`);
  return `${images}: ${parts.join(", ")}`;
}
