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

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    let found = 0;
    let heading;
    for (const item of given) {
      if (!texts.has(item)) {
        heading = item;
        heading.hidden = true;
        continue;
      }
      item.hidden = !words.every((word) => texts.get(item).includes(word));
      if (item.hidden) continue;
      found += 1;
      if (heading) heading.hidden = select.value !== "given";
    }
    byId("nothing").hidden = found > 0;
    const count = (n) => n.toLocaleString("en");
    byId("found").textContent = `${count(found)} of ${count(cards.length)}`;
  };
  const sort = () => {
    const order = orders[select.value];
    list.append(...(order ? [...cards].sort(order) : given));
    show();
  };
  filter.addEventListener("input", show);
  select.addEventListener("change", sort);
  document.querySelector(".tools").hidden = false;
  // A browser may have kept what was chosen before the page was loaded again.
  sort();
})();
