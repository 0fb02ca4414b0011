// Plots of one image, drawn by D3 into elements of the page.
"use strict";

const COLOURS = ["var(--first)", "var(--second)", "var(--third)"];
const DASHES = ["none", "6 3", "2 3"];
const shortNumber = d3.format(".2~g");

// A dot for each of `values` with a bar of ± its spread, on one scale: the tracks of table rows,
// and an axis below them. Returns the SVG elements, which are `width` pixels wide.
function dotTracks(values, spreads, colour, width) {
  const ends = [0];
  values.forEach((value, i) => {
    const spread = Number.isNaN(spreads[i]) ? 0 : spreads[i];
    ends.push(value - spread, value + spread);
  });
  const scale = d3.scaleLinear().domain(d3.extent(ends.filter(Number.isFinite)))
    .range([12, width - 12]).nice(3);
  const tracks = values.map((value, i) => {
    const svg = d3.create("svg").attr("viewBox", `0 0 ${width} 22`).attr("aria-hidden", "true");
    line(svg, scale(0), scale(0), 0, 22).attr("class", "zero");
    if (!Number.isFinite(value)) return svg.node();
    if (!Number.isNaN(spreads[i])) {
      const [low, high] = [scale(value - spreads[i]), scale(value + spreads[i])];
      line(svg, low, high, 11, 11).attr("class", "error-bar").attr("stroke", colour(i));
      line(svg, low, low, 7, 15).attr("stroke", colour(i));
      line(svg, high, high, 7, 15).attr("stroke", colour(i));
    }
    svg.append("circle").attr("cx", scale(value)).attr("cy", 11).attr("r", 4.5)
      .attr("fill", colour(i));
    return svg.node();
  });
  const axis = d3.create("svg").attr("viewBox", `0 0 ${width} 24`).attr("aria-hidden", "true");
  axis.append("g").call(d3.axisBottom(scale).ticks(3).tickFormat(d3.format("~g")));
  return [...tracks, axis.node()];
}

function line(svg, x1, x2, y1, y2) {
  return svg.append("line").attr("x1", x1).attr("x2", x2).attr("y1", y1).attr("y2", y2)
    .attr("stroke-width", 1.5);
}

// Curves over timesteps: `series` is a list of arrays with NaN where nothing was measured; the
// colour of the first one is COLOURS[colour].
function curvePlot(timesteps, series, label, width, colour) {
  const [height, left, bottom] = [230, 58, 40];
  const known = series.flatMap((values) => values.filter(Number.isFinite));
  const x = d3.scaleLinear().domain(d3.extent(timesteps)).range([left, width - 12]).nice();
  const y = d3.scaleLinear().domain(d3.extent([...known, ...(label.zero ? [0] : [])]))
    .range([height - bottom, 10]).nice();
  const svg = d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img")
    .attr("aria-label", label.text);
  svg.append("g").attr("transform", `translate(0,${height - bottom})`)
    .call(d3.axisBottom(x).ticks(width < 400 ? 4 : 6));
  svg.append("g").attr("transform", `translate(${left},0)`)
    .call(d3.axisLeft(y).ticks(5).tickFormat(d3.format("~g")));
  svg.append("text").attr("x", (left + width) / 2).attr("y", height - 4)
    .attr("text-anchor", "middle").text("timestep");
  if (label.zero) line(svg, left, width - 12, y(0), y(0)).attr("class", "zero");
  const path = d3.line().x((point) => x(point[0])).y((point) => y(point[1]));
  series.forEach((values, number) => {
    const points = timesteps.map((t, i) => [t, values[i]]).filter((p) => Number.isFinite(p[1]));
    const i = number + colour;
    svg.append("path").attr("d", path(points)).attr("fill", "none").attr("class", "curve")
      .attr("stroke", COLOURS[i]).attr("stroke-width", 1.8).attr("stroke-dasharray", DASHES[i]);
    dots(svg, points, x, y, COLOURS[i]);
  });
  return svg.node();
}

function dots(svg, points, x, y, colour) {
  for (const [t, value] of points) {
    svg.append("circle").attr("cx", x(t)).attr("cy", y(value)).attr("r", 2.6).attr("fill", colour);
  }
}

// A map of numbers around 0: orange where they are below it, blue where they are above.
function heatMap(values) {
  const most = d3.max(values.flat(), Math.abs) || 1;
  const colour = d3.scaleLinear().domain([-most, 0, most]).range(["#c65d00", "#f7f7f7", "#0072b2"]);
  const [rows, columns] = [values.length, values[0].length];
  const svg = d3.create("svg").attr("viewBox", `0 0 ${columns} ${rows}`).attr("role", "img")
    .attr("aria-label", "error map").attr("class", "heat-map")
    .attr("shape-rendering", "crispEdges");
  values.forEach((row, y) => row.forEach((value, x) => {
    svg.append("rect").attr("x", x).attr("y", y).attr("width", 1).attr("height", 1)
      .attr("fill", colour(value)).append("title").text(shortNumber(value));
  }));
  return { map: svg.node(), most };
}
