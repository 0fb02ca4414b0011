// The grid of thumbnails; only those in sight are elements of the page.
"use strict";

class Grid {
  // `describe(row)` returns `text`, `name` (for screen readers) and `kind`; `open(place)` opens.
  constructor(element, describe, open) {
    Object.assign(this, { element, describe, open, rows: [], set: null, place: 0 });
    this.cells = new Map();
    this.focused = false;
    addEventListener("scroll", () => this.draw(), { passive: true });
    addEventListener("resize", () => this.show(this.set, this.rows, this.place));
    element.addEventListener("keydown", (event) => this.key(event));
  }

  show(set, rows, place = 0) {
    Object.assign(this, { set, rows });
    this.place = Math.max(0, Math.min(place, rows.length - 1));
    for (const cell of this.cells.values()) cell.remove();
    this.cells.clear();
    const width = this.element.clientWidth;
    this.across = Math.max(3, Math.floor(width / 120));
    this.side = width / this.across;
    this.height = this.side + 22;
    this.element.style.height = `${Math.ceil(rows.length / this.across) * this.height}px`;
    this.draw();
  }

  draw() {
    if (!this.set) return;
    const top = -this.element.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / this.height) - 1) * this.across;
    const last = (Math.ceil((top + innerHeight) / this.height) + 1) * this.across;
    const end = Math.min(this.rows.length, last);
    for (const [place, cell] of this.cells) {
      if ((place < first || place >= end) && place !== this.place) {
        cell.remove();
        this.cells.delete(place);
      }
    }
    for (let place = first; place < end; place += 1) this.cell(place);
    if (this.rows.length) this.cell(this.place);
  }

  cell(place) {
    if (this.cells.has(place)) return this.cells.get(place);
    const row = this.rows[place];
    const { text, name, kind } = this.describe(row);
    const cell = document.createElement("button");
    cell.type = "button";
    cell.className = `cell ${kind}`;
    cell.tabIndex = place === this.place ? 0 : -1;
    cell.dataset.place = place;
    cell.setAttribute("aria-label", name);
    cell.title = name;
    const line = Math.floor(place / this.across);
    cell.style.width = `${this.side - 6}px`;
    cell.style.left = `${(place % this.across) * this.side}px`;
    cell.style.top = `${line * this.height + 4}px`;
    const canvas = document.createElement("canvas");
    canvas.style.height = `${this.side - 16}px`;
    const label = document.createElement("span");
    label.textContent = text;
    cell.append(canvas, label);
    cell.addEventListener("click", () => { this.focus(place); this.open(place); });
    this.cells.set(place, cell);
    this.element.append(cell);
    drawImage(canvas, this.set, row);
    return cell;
  }

  // Moves the keyboard's focus to a cell, and scrolls there.
  focus(place) {
    const old = this.cells.get(this.place);
    if (old) old.tabIndex = -1;
    this.place = Math.max(0, Math.min(place, this.rows.length - 1));
    const cell = this.cell(this.place);
    cell.tabIndex = 0;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest" });
    this.draw();
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.across, ArrowDown: this.across };
    let place = null;
    if (event.key in steps) place = this.place + steps[event.key];
    else if (event.key === "Home") place = 0;
    else if (event.key === "End") place = this.rows.length - 1;
    if (place === null || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (place >= 0 && place < this.rows.length) this.focus(place);
  }
}
