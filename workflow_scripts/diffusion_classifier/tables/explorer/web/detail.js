// What is known of one image: ranked classes, errors over timesteps, all methods, the error map.
"use strict";

// An element with properties and children; strings become text, never markup.
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

function nameOf(set, number) {
  if (number === NONE) return "no answer";
  return set.names[number] || `class ${number}`;
}

function verdict(set, method, row) {
  if (prediction(method, row) === NONE) return make("span", { className: "quiet" }, "no answer");
  return isRight(set, method, row)
    ? make("span", { className: "right" }, "✓ right")
    : make("span", { className: "wrong" }, "✗ wrong");
}

function percent(share) {
  return Number.isNaN(share) ? "" : `${Math.round(100 * share)} %`;
}

function detailOf(set, method, row, width) {
  const picture = make("canvas", { className: "picture-large" });
  drawImage(picture, set, row);
  const truth = set.captions ? "right caption" : "true class";
  const left = make("div", {},
    picture,
    make("p", {}, `${truth}: `, make("b", {}, nameOf(set, set.truth[row]))),
    make("p", {}, `${method.label}: `, make("b", {}, nameOf(set, prediction(method, row))), " ",
      verdict(set, method, row)),
    make("p", { className: "quiet" }, `image ${set.image[row]} of ${set.label}`,
      set.captions ? `, ${set.facets[set.facetOf[row]]}` : ""),
    spatial(set, row));
  const right = make("div", {},
    ranking(set, method, row, width), curves(set, method, row, width), everyMethod(set, row));
  return make("div", { className: "columns" }, left, right);
}

// --- ranked classes

function ranking(set, method, row, width) {
  const at = row * method.width;
  const places = [...Array(method.width).keys()].filter((i) => method.classes[at + i] !== NONE);
  if (!places.length || Number.isNaN(method.scores[at])) return make("div", {});
  const measured = method.spread !== null;
  const values = places.map((i) => (measured ? -1 : 1) * method.scores[at + i]);
  const spreads = places.map((i) => (measured && i ? method.spread[at + i] : NaN));
  const colour = (i) => (measured ? COLOURS[i] || "var(--quiet)" : "var(--first)");
  const tracks = dotTracks(values, spreads, colour, Math.round(width * 0.45));
  const head = measured
    ? ["", "error minus the first’s", "± standard error", "samples"] : ["", "score", ""];
  const lines = places.map((i) => {
    const number = method.classes[at + i];
    const right = number === set.truth[row];
    const mark = right ? make("span", { className: "right" }, "\u00a0✓") : "";
    const cells = [
      make("td", {}, nameOf(set, number), mark),
      make("td", { className: "track" }, tracks[i]),
      make("td", { className: "number" }, i || !measured ? valueText(values[i], spreads[i]) : "0"),
    ];
    if (measured) {
      cells.push(make("td", { className: "number" }, String(method.samples[at + i])));
    }
    return make("tr", {}, cells);
  });
  const foot = make("tr", {}, make("td", {}), make("td", { className: "track" }, tracks.at(-1)));
  const note = measured
    ? "Mean differences of errors at the samples that both classes have; bars are ± one standard "
      + "error, and a class with one sample has none."
    : "In the method's own unit; larger is better.";
  return make("section", { className: "ranking" },
    make("h3", {}, `Ranked ${set.captions ? "captions" : "classes"}, ${method.label}`),
    make("table", {}, make("thead", {}, make("tr", {}, head.map((text) => make("th", {}, text)))),
      make("tbody", {}, lines, foot)),
    make("p", { className: "quiet" }, note));
}

function valueText(value, spread) {
  if (!(spread > 0)) return shortNumber(value);
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(spread))); // two digits of the spread
  return `${value.toFixed(decimals)} ± ${spread.toFixed(decimals)}`;
}

// --- errors over timesteps

let showsErrors = false;

function curves(set, chosen, row, width) {
  const method = chosen.timesteps ? chosen : set.methods.find((one) => one.timesteps);
  if (!method || prediction(method, row) === NONE) return make("div", {});
  const stored = readCurves(set, method);
  const bins = method.timesteps.length;
  const first = [...stored.errors.subarray(row * bins, (row + 1) * bins)];
  const behind = [0, 1].map((i) => {
    const at = (2 * row + i) * bins;
    return [...stored.differences.subarray(at, at + bins)];
  }).filter((values, i) => method.classes[row * method.width + i + 1] !== NONE);
  if (!first.some(Number.isFinite)) return make("div", {});
  const plot = make("div", {});
  const legend = make("div", { className: "legend" });
  const draw = () => {
    const series = showsErrors
      ? [first, ...behind.map((values) => values.map((value, i) => value + first[i]))] : behind;
    const label = showsErrors
      ? { text: "Errors over timesteps", zero: false }
      : { text: "Errors more than those of the first class, over timesteps", zero: true };
    const names = [...Array(behind.length + 1).keys()]
      .map((i) => nameOf(set, method.classes[row * method.width + i]));
    plot.replaceChildren(curvePlot(method.timesteps, series, label, width, showsErrors ? 0 : 1));
    legend.replaceChildren(...names.map((name, i) => make("span", {},
      swatch(i), !showsErrors && i === 0 ? `${name} (the dotted line)` : name)));
  };
  const options = [[false, "difference from the first"], [true, "errors"]].map(([value, text]) => {
    const input = make("input", { type: "radio", name: "curves", checked: showsErrors === value });
    input.addEventListener("change", () => { showsErrors = value; draw(); });
    return make("label", { className: "choice" }, input, ` ${text}`);
  });
  draw();
  return make("section", { className: "curves" },
    make("h3", {}, `Errors over timesteps, ${method.label}`), options, plot, legend);
}

function swatch(i) {
  const mark = make("i", {});
  mark.style.background = COLOURS[i];
  return mark;
}

// --- all methods

function everyMethod(set, row) {
  const groups = new Map();
  for (const method of set.methods) {
    if (!groups.has(method.group)) groups.set(method.group, []);
    groups.get(method.group).push(method);
  }
  const lines = [...groups.values()].map((methods) => {
    const answers = new Map();
    for (const method of methods) {
      const said = prediction(method, row);
      answers.set(said, (answers.get(said) || 0) + 1);
    }
    const label = methods[0].label.replace(/, [^,]* 1$/, methods.length > 1 ? "" : "$&");
    const title = methods.length > 1 ? `${label} (${methods.length})` : label;
    const ordered = [...answers].sort((a, b) => b[1] - a[1]);
    const said = ordered.map(([number, times]) => make("div", {},
      nameOf(set, number), methods.length > 1 ? ` × ${times}` : "", " ",
      number === NONE ? "" : make("span", {
        className: number === set.truth[row] ? "right" : "wrong",
      }, number === set.truth[row] ? "✓" : "✗")));
    const sure = methods.length > 1 ? "" : percent(methods[0].sure[row]);
    return make("tr", {}, make("td", {}, title), make("td", {}, said),
      make("td", { className: "number" }, sure));
  });
  const head = ["method", "says", "surer than"].map((text) => make("th", {}, text));
  return make("section", { className: "methods" }, make("h3", {}, "What every method says"),
    make("table", {}, make("thead", {}, make("tr", {}, head)), make("tbody", {}, lines)),
    make("p", { className: "quiet" },
      "“Surer than” is the share of this page's images on which the method's margin, by which its "
      + "first answer is ahead of the next, is smaller."));
}

// --- error map

function spatial(set, row) {
  const values = set.maps[row];
  if (!values) return make("div", {});
  const { map, most } = heatMap(values);
  const swatchOf = (colour) => {
    const mark = make("span", { className: "swatch" });
    mark.style.background = colour;
    return mark;
  };
  return make("section", { className: "spatial" }, make("h3", {}, "Error map"), map,
    make("p", { className: "quiet" },
      "Error with the wrong caption minus error with the right one, at each latent position: ",
      swatchOf("#0072b2"), " the right caption is better, ", swatchOf("#c65d00"),
      ` the wrong one; full colour is ±${shortNumber(most)}.`));
}
