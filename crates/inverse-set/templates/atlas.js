// Filters and sorts the neurons.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const [list, filter, select] = ["cards", "filter", "order"].map(byId);
  const given = [...list.children];
  const cards = given.filter((item) => item.classList.contains("card"));
  // Figures are left out: every second one holds the digit that a unit is looked for by.
  const text = (card) => {
    const parts = card.querySelectorAll(".name, .facts:not(.cost), .why");
    return [...parts].map((part) => part.textContent.toLowerCase()).join("\n");
  };
  const texts = new Map(cards.map((card) => [card, text(card)]));
  const names = new Map(cards.map((card) => [card, card.querySelector(".name").textContent]));
  const { compare } = new Intl.Collator("en", { numeric: true });

  // A neuron without a figure comes last; an open end lies outside of all others.
  const number = (figure, otherwise) => (card) => Number(card.dataset[figure] ?? otherwise);
  const [distance, evaluations] = [number("distance", -1), number("evaluations", Infinity)];
  const [lo, hi] = [number("lo", -Infinity), number("hi", Infinity)];
  const ascending = (key) => (a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b)));
  const orders = {
    name: (a, b) => compare(names.get(a), names.get(b)),
    distance: (a, b) => ascending(distance)(b, a),
    evaluations: ascending(evaluations),
    range: (a, b) => ascending(lo)(a, b) || ascending(hi)(a, b),
  };

  const headings = new Map();
  let last;
  for (const item of given) {
    if (texts.has(item)) headings.set(item, last);
    else last = item;
  }

  // In the order that they were given in, each group below its heading.
  const grouped = (found) => {
    const kept = new Set(found.flatMap((card) => [headings.get(card), card]));
    return given.filter((item) => kept.has(item));
  };

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    const found = cards.filter((card) => words.every((word) => texts.get(card).includes(word)));
    const order = orders[select.value];
    // Chromium takes seconds to hide thousands of cards one by one.
    list.replaceChildren(...(order ? found.sort(order) : grouped(found)));
    byId("nothing").hidden = found.length > 0;
    const count = (n) => n.toLocaleString("en");
    byId("found").textContent = `${count(found.length)} of ${count(cards.length)}`;
  };
  filter.addEventListener("input", show);
  select.addEventListener("change", show);
  document.querySelector(".tools").hidden = false;
  // A browser may have kept what was chosen before the page was loaded again.
  show();
})();
