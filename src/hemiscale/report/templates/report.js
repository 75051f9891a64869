"use strict";
// Tooltips, one filter for all figures and tables, sortable tables, copy buttons. No library.
(() => {
  const tip = document.getElementById("tip");

  const showTip = (mark, x, y) => {
    tip.textContent = "";
    const name = document.createElement("b");
    name.textContent = mark.dataset.model;
    tip.append(name, mark.dataset.tip || "");
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, x + 14), window.innerWidth - box.width - 8);
    const above = y - box.height - 12;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above < 8 ? y + 18 : above}px`;
  };
  const markAt = (event) =>
    event.target instanceof Element ? event.target.closest(".mark[data-tip]") : null;
  for (const kind of ["pointermove", "pointerdown"]) {
    document.addEventListener(kind, (event) => {
      const mark = markAt(event);
      if (mark) showTip(mark, event.clientX, event.clientY);
      else tip.hidden = true;
    });
  }
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

  const boxes = [...document.querySelectorAll("input[data-filter]")];
  const applyFilters = () => {
    const off = { kind: new Set(), family: new Set() };
    for (const box of boxes) if (!box.checked) off[box.dataset.filter].add(box.value);
    for (const item of document.querySelectorAll(".mark, tr[data-kind]")) {
      const { kind, family } = item.dataset;
      item.classList.toggle("off", off.kind.has(kind) || off.family.has(family));
    }
  };
  for (const box of boxes) box.addEventListener("change", applyFilters);
  const form = document.querySelector("form.filters");
  if (form) {
    form.addEventListener("reset", () => setTimeout(applyFilters));
    form.addEventListener("submit", (event) => event.preventDefault());
    applyFilters(); // browsers restore boxes after a reload
  }

  const keyOf = (row, column) => row.cells[column].dataset.value ?? "";
  const compare = (a, b, numeric) =>
    numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
  const sortBy = (button) => {
    const heading = button.closest("th");
    const body = heading.closest("table").tBodies[0];
    const column = heading.cellIndex;
    const numeric = heading.classList.contains("number");
    const before = heading.getAttribute("aria-sort");
    // Numbers start with the largest, names with A.
    const first = numeric ? "descending" : "ascending";
    const second = numeric ? "ascending" : "descending";
    const now = before === first ? second : first;
    const sign = now === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === ""); // what is missing stays last
      return sign * compare(a, b, numeric);
    });
    body.append(...rows.map(([, row]) => row));
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", now);
  };
  for (const button of document.querySelectorAll("button.sort")) {
    button.addEventListener("click", () => sortBy(button));
  }

  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        // Pages opened from disk may not write to the clipboard: select, so that Ctrl+C does.
        const range = document.createRange();
        range.selectNodeContents(source);
        const selection = window.getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
        button.textContent = "selected";
        return;
      }
      button.textContent = "copied";
    });
  }
})();
