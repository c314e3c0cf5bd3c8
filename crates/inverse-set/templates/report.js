// Sorts the samples, opens each to a view of its own, and brings the map to
// life. Whatever a file said reaches the page as text, never as markup.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const { neurons, classes, samples } = data;
  const grid = byId("grid");
  const items = [];
  const headings = [];
  for (const child of grid.children)
    if (child.dataset.group) headings[child.dataset.group] = child;
    else items[child.firstElementChild.dataset.sample] = child;
  const picture = (sample) => items[sample].querySelector("img").src;

  // Row after row, 16 bits a number, the others from the nearest on.
  const packed = atob(data.neighbours);
  const neighbours = (sample) =>
    Array.from({ length: samples.length - 1 }, (_, k) => {
      const at = 2 * (sample * (samples.length - 1) + k);
      return packed.charCodeAt(at) + 256 * packed.charCodeAt(at + 1);
    });

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const activations = (sample) => samples[sample].texts.join(", ");
  const described = (sample) => `${samples[sample].name}, activation ${activations(sample)}`;

  // One of many buttons can be reached with Tab, the others with arrows.
  const rove = (elements, current) => {
    for (const other of elements) other.tabIndex = other === current ? 0 : -1;
  };

  // --- order

  let sequence = [];
  const select = byId("order");

  const orders = {
    value: (j) => (a, b) =>
      samples[a].neuron - samples[b].neuron || samples[a].values[j] - samples[b].values[j] || a - b,
    group: () => (a, b) => samples[a].group - samples[b].group || a - b,
  };
  const ordered = (how) => {
    const [name, argument] = how.split(" ");
    const of = Number(argument ?? 0);
    if (name === "nearest") return [of, ...neighbours(of)];
    if (name === "farthest") return [...neighbours(of).reverse(), of];
    return samples.map((_, sample) => sample).sort(orders[name](of));
  };
  const sort = (how) => {
    sequence = ordered(how);
    const [name, argument] = how.split(" ");
    const inGroups = name === "group";
    for (const heading of headings) heading.hidden = !inGroups;
    const group = (sample) => (inGroups ? samples[sample].group : undefined);
    // Groups without pictures keep their headings.
    let next = 0;
    for (const sample of sequence) {
      while (next <= group(sample) && headings[next]) grid.append(headings[next++]);
      grid.append(items[sample]);
    }
    grid.append(...headings.slice(next));
    const j = name === "value" ? Number(argument) : 0;
    for (const sample of sequence)
      items[sample].querySelector("span").textContent = samples[sample].texts[j];
    rove(buttons(), buttons()[0]);
  };
  const buttons = () => sequence.map((sample) => items[sample].firstElementChild);
  const sortByLikeness = (name, sample) => {
    const value = `${name} ${sample}`;
    let option = [...select.options].find((other) => other.value === value);
    if (!option) {
      for (const other of [...select.options])
        if (other.value.startsWith(name)) other.remove();
      const most = name === "nearest" ? "most" : "least";
      option = new Option(`${most} like ${samples[sample].name.replace(/^./, (c) => c.toLowerCase())}`, value);
      select.add(option);
    }
    select.value = value;
    select.dispatchEvent(new Event("change"));
  };
  select.addEventListener("change", () => {
    sort(select.value);
    const text = select.selectedOptions[0].textContent;
    byId("sorted").textContent = "";
    byId("sorted").setAttribute("aria-label", `sorted by ${text}`);
  });
  document.querySelector(".tools").hidden = false;
  sort(select.value);

  grid.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(event.target);
    if (at < 0) return;
    const here = event.target.getBoundingClientRect();
    // The one above or below: in the next row that way, the nearest across.
    const vertical = (by) => {
      let best = -1, least = Infinity, row;
      for (let to = at + by; all[to]; to += by) {
        const { left, top } = all[to].getBoundingClientRect();
        if (top === here.top) continue;
        row ??= top;
        if (top !== row) break;
        if (Math.abs(left - here.left) < least) [best, least] = [to, Math.abs(left - here.left)];
      }
      return best;
    };
    const places = {
      ArrowLeft: () => at - 1,
      ArrowRight: () => at + 1,
      ArrowUp: () => vertical(-1),
      ArrowDown: () => vertical(1),
      Home: () => 0,
      End: () => all.length - 1,
    };
    const to = places[event.key]?.();
    if (to === undefined) return;
    event.preventDefault();
    if (!all[to]) return;
    rove(all, all[to]);
    all[to].focus();
  });

  // --- one sample

  const view = byId("view");
  let current = 0;

  const measure = (name, value, share, className) => {
    const row = element("div", undefined, "measure");
    const track = element("span", undefined, "track");
    const mark = element("i", undefined, className);
    mark.style[className ? "left" : "width"] = `${100 * Math.min(1, Math.max(0, share))}%`;
    track.append(mark);
    row.append(element("span", name), element("span", value), track);
    return row;
  };
  const thumbnails = (list, chosen) => {
    list.replaceChildren(
      ...chosen.map((sample) => {
        const [item, button, image] = ["li", "button", "img"].map((name) => element(name));
        button.type = "button";
        image.src = picture(sample);
        image.alt = described(sample);
        button.append(image);
        button.addEventListener("click", () => show(sample));
        item.append(button);
        return item;
      }),
    );
  };
  const show = (sample) => {
    current = sample;
    const { name, origin, file, neuron, values, texts } = samples[sample];
    const at = sequence.indexOf(sample);
    byId("place").textContent = `${at + 1} of ${sequence.length}`;
    byId("view-name").textContent = name;
    const image = view.querySelector(".picture img");
    image.src = picture(sample);
    image.alt = described(sample);
    const facts = byId("view-facts");
    facts.replaceChildren(element("span", origin));
    if (file) {
      const link = element("a", "exact PNG");
      link.href = file;
      const span = element("span");
      span.append(link);
      facts.append(span);
    }
    byId("view-neurons").replaceChildren(
      element("h3", values.length > 1 ? "Activations in their ranges" : "Activation in its range"),
      ...neurons.slice(neuron, neuron + values.length).map(({ name: called, place, range, ends: [lo, hi] }, j) =>
        measure(
          called === place ? `${place}, ${range}` : `${called}, ${place}, ${range}`,
          texts[j],
          hi > lo ? (values[j] - lo) / (hi - lo) : 0.5,
          "dot",
        ),
      ),
    );
    const told = byId("view-classes");
    told.replaceChildren();
    if (classes) {
      told.append(
        element("h3", `What the classifier takes it for, by ${classes.layer}`),
        ...samples[sample].classes.map(([index, value, share, percent]) =>
          measure(classes.names[index], `${value} · ${percent}`, share),
        ),
      );
    }
    const others = neighbours(sample);
    thumbnails(byId("nearest"), others.slice(0, 6));
    thumbnails(byId("farthest"), others.slice(-6).reverse());
    byId("previous").disabled = at === 0;
    byId("next").disabled = at === sequence.length - 1;
    if (!view.open) view.showModal();
    view.scrollTop = 0;
    byId("view-name").focus({ preventScroll: true });
  };
  const turn = (to) => {
    if (sequence[to] !== undefined) show(sequence[to]);
  };
  const step = (by) => turn(sequence.indexOf(current) + by);

  document.querySelector("main").addEventListener("click", (event) => {
    const target = event.target.closest("[data-sample]");
    if (target) show(Number(target.dataset.sample));
  });
  byId("close").addEventListener("click", () => view.close());
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  view.addEventListener("click", (event) => {
    if (event.target === view) view.close();
  });
  view.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const key = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (key) step(key);
    else if (event.key === "Home") turn(0);
    else if (event.key === "End") turn(sequence.length - 1);
    else return;
    event.preventDefault();
  });
  for (const name of ["nearest", "farthest"])
    byId(`sort-${name}`).addEventListener("click", () => {
      view.close();
      sortByLikeness(name, current);
      byId("samples").scrollIntoView();
      buttons()[0].focus({ preventScroll: true });
    });
  document.querySelector(".alike").hidden = samples.length < 2;

  // --- map

  const map = byId("map");
  if (map) {
    const points = [...map.querySelectorAll(".point")];
    const places = points.map((point) => {
      const { e, f } = point.transform.baseVal[0].matrix;
      return [e, f];
    });
    const preview = byId("preview");
    const look = (sample) => {
      preview.hidden = false;
      preview.querySelector("img").src = picture(sample);
      preview.querySelector("p").textContent = described(sample);
    };
    // The next one in a direction: near, and not far to the side.
    const next = (from, dx, dy) => {
      let best, least = Infinity;
      places.forEach(([x, y], sample) => {
        const [ahead, aside] = [
          (x - places[from][0]) * dx + (y - places[from][1]) * dy,
          Math.abs((x - places[from][0]) * dy) + Math.abs((y - places[from][1]) * dx),
        ];
        if (sample !== from && ahead > 0 && ahead + 2 * aside < least)
          [best, least] = [sample, ahead + 2 * aside];
      });
      return best;
    };
    points.forEach((point, sample) => {
      point.setAttribute("role", "button");
      point.addEventListener("pointerenter", () => look(sample));
      point.addEventListener("focus", () => {
        rove(points, point);
        look(sample);
      });
      point.addEventListener("keydown", (event) => {
        const direction = {
          ArrowLeft: [-1, 0],
          ArrowRight: [1, 0],
          ArrowUp: [0, -1],
          ArrowDown: [0, 1],
        }[event.key];
        if (direction) {
          const to = next(sample, ...direction);
          if (to !== undefined) points[to].focus();
        } else if (event.key === "Enter" || event.key === " ") show(sample);
        else return;
        event.preventDefault();
      });
    });
    // Where there is room for them, the pictures themselves.
    if (map.dataset.side) {
      const side = Number(map.dataset.side);
      points.forEach((point, sample) => {
        const image = document.createElementNS(map.namespaceURI, "image");
        image.setAttribute("href", picture(sample));
        for (const [name, value] of Object.entries({ x: -side / 2, y: -side / 2, width: side, height: side }))
          image.setAttribute(name, value);
        point.append(image);
      });
    }
    rove(points, points[0]);
    look(sequence[0]);
  }
})();
