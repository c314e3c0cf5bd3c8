// Reports of a sample, an intersection, levels, a comparison and an atlas, as people
// meet them: in a browser, with mouse and with keyboard, on a phone and on a desktop.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

import axe from "axe-core";
import { chromium } from "playwright-core";

const { SAMPLER, SCREENSHOTS, WEIGHTS, CHROMIUM = "/usr/bin/chromium" } = process.env;
const folder = mkdtempSync(join(tmpdir(), "reports-"));
const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 900 } };

const run = (name, ...words) => {
  const out = join(folder, name);
  execFileSync(SAMPLER, [...words, "--out", out], { cwd: folder, stdio: "pipe" });
  return join(out, "report.html");
};

// A network file with the labels of its last layer renamed.
const renamed = (from, to, name) => {
  const bytes = readFileSync(from);
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length));
  const network = JSON.parse(header.__metadata__.network);
  for (const labels of Object.values(network.labels)) for (const label of labels) label.name = name;
  header.__metadata__.network = JSON.stringify(network);
  let text = JSON.stringify(header);
  text = text.padEnd(text.length + ((8 - (Buffer.byteLength(text) % 8)) % 8));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  writeFileSync(to, Buffer.concat([size, Buffer.from(text), bytes.subarray(8 + length)]));
};

const hostile =
  "</script><script>window.run = 1</script><img src=x onerror='window.run = 1'>\u001b[31m & \u202e";

const made = {
  sample: () => run("sample", "sample", "-n", "40"),
  intersection: () =>
    run(
      "intersection",
      ..."sample --neuron fc8:Shirt=c25..c75 --neuron fc8:Coat=c25..c75 -n 24".split(" "),
    ),
  levels: () => run("levels", ..."levels --neuron fc8:Coat --levels 4 -n 6".split(" ")),
  comparison: () =>
    run(
      "comparison",
      ..."compare --neuron fc8:Coat --neuron fc8:Bag -n 12 --seeds 1".split(" "),
      ..."--methods inverse-set,start,dataset".split(" "),
    ),
};

let browser;
before(async () => {
  // Chromium's own sandbox needs rights that containers lack; the pages are ours.
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

// A report in a new window, and whatever it complained of or asked for.
const open = async (file, size, colorScheme = "light") => {
  const page = await browser.newPage({ viewport: size, colorScheme });
  const heard = [];
  page.on("console", (message) => heard.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => heard.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith("data:") && url !== pathToFileURL(file).href) heard.push(`request: ${url}`);
  });
  await page.goto(pathToFileURL(file).href);
  return { page, heard };
};

const shown = (page) =>
  page.$$eval("#grid button", (all) => all.map((button) => Number(button.dataset.sample)));
const told = (page) => page.evaluate(() => JSON.parse(document.getElementById("data").textContent));

const accessible = async (page, what) => {
  // The page's own policy forbids it foreign scripts; the tool brings its text.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const found = serious.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 300)}`);
  assert.deepEqual(found, [], what);
};

// Nothing is wider than the window but what scrolls on its own.
const fits = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

const picture = async (page, name) => {
  if (SCREENSHOTS)
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: !name.endsWith("view") });
};

for (const [name, make] of Object.entries(made))
  describe(name, { timeout: 300_000 }, () => {
    let file;
    before(() => {
      file = make();
    });

    for (const [device, size] of Object.entries(sizes))
      test(`holds its layout and is accessible on a ${device}`, async () => {
        for (const scheme of ["light", "dark"]) {
          const { page, heard } = await open(file, size, scheme);
          assert.ok(await fits(page), "the page is wider than the window");
          await picture(page, `${name}-${device}-${scheme}`);
          await accessible(page, `${scheme} page`);
          await page.locator("#grid button").first().click();
          assert.ok(await page.locator("#view").isVisible());
          await picture(page, `${name}-${device}-${scheme}-view`);
          await accessible(page, `${scheme} view of a picture`);
          assert.deepEqual(heard, []);
          await page.close();
        }
      });

    test("sorts and opens pictures by mouse", async () => {
      const { page, heard } = await open(file, sizes.desktop);
      const { samples } = await told(page);
      const all = await shown(page);
      assert.equal(all.length, samples.length);
      const by = (key) => (a, b) => samples[a].neuron - samples[b].neuron || key(a) - key(b);
      await page.selectOption("#order", "value 0");
      const sorted = [...all].sort(by((sample) => samples[sample].values[0]));
      assert.deepEqual(await shown(page), sorted);
      await page.selectOption("#order", "group");
      const groups = (await shown(page)).map((sample) => samples[sample].group);
      assert.deepEqual(groups, [...groups].sort((a, b) => a - b));

      const third = (await shown(page))[2];
      await page.locator("#grid button").nth(2).click();
      assert.equal(await page.locator("#view-name").textContent(), samples[third].name);
      const view = await page.locator("#view").textContent();
      for (const text of samples[third].texts) assert.ok(view.includes(text), text);
      const classes = await page.locator("#view-classes .measure").count();
      assert.equal(classes, Math.min(5, samples[third].classes.length));
      assert.ok(classes > 0);
      await page.click("#next");
      assert.match(await page.locator("#place").textContent(), /^4 of /);
      await page.click("#previous");
      await page.click("#sort-nearest");
      assert.ok(await page.locator("#view").isHidden());
      assert.equal((await shown(page))[0], third);
      await page.locator("#grid button").first().click();
      await page.click("#sort-farthest");
      const [farthest, last] = [(await shown(page))[0], (await shown(page)).at(-1)];
      assert.equal(last, third);
      assert.notEqual(farthest, third);

      // Nothing lies on top of the last one.
      const { name, texts } = samples.at(-1);
      await page.locator("#map .point").last().hover();
      const preview = await page.locator("#preview p").textContent();
      assert.equal(preview, `${name}, activation ${texts.join(", ")}`);
      assert.deepEqual(heard, []);
      await page.close();
    });

    test("sorts and opens pictures by keyboard", async () => {
      const { page, heard } = await open(file, sizes.desktop);
      const { samples } = await told(page);
      await page.focus("#order");
      const first = await page.locator("#order").inputValue();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      assert.notEqual(await page.locator("#order").inputValue(), first);
      const order = await shown(page);
      const at = () => page.evaluate(() => document.activeElement.dataset.sample);
      for (let tabs = 0; tabs < 8 && (await at()) === undefined; tabs++)
        await page.keyboard.press("Tab");
      assert.equal(Number(await at()), order[0]);
      await page.keyboard.press("ArrowRight");
      assert.equal(Number(await at()), order[1]);
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowUp");
      assert.equal(Number(await at()), order[1]);
      await page.keyboard.press("End");
      assert.equal(Number(await at()), order.at(-1));
      await page.keyboard.press("Home");
      await page.keyboard.press("Enter");
      assert.equal(await page.locator("#view-name").textContent(), samples[order[0]].name);
      await page.keyboard.press("ArrowRight");
      assert.equal(await page.locator("#view-name").textContent(), samples[order[1]].name);
      await page.keyboard.press("Escape");
      assert.ok(await page.locator("#view").isHidden());

      await page.locator("#map .point[tabindex='0']").focus();
      const before = await page.locator("#preview p").textContent();
      for (const key of ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"]) {
        await page.keyboard.press(key);
        if ((await page.locator("#preview p").textContent()) !== before) break;
      }
      assert.notEqual(await page.locator("#preview p").textContent(), before);
      await page.keyboard.press("Enter");
      assert.ok(await page.locator("#view").isVisible());
      assert.deepEqual(heard, []);
      await page.close();
    });

    test("tells no folder", () => {
      const text = readFileSync(file, "utf8");
      for (const path of [folder, WEIGHTS]) assert.ok(!text.includes(path), path);
      assert.ok(statSync(file).size < 10_000_000);
    });
  });

describe("atlas", { timeout: 300_000 }, () => {
  let file;
  before(() => {
    file = run("atlas", ..."atlas --neurons fc8:all --neurons conv5:0..2@max".split(" "), "--neurons", "fc6:0=1e9..", "-n", "8");
  });
  const names = (page) => page.$$eval("#cards .card:not([hidden]) .name", (all) => all.map((name) => name.textContent));
  const headings = (page) => page.locator("#cards .group:visible").count();

  for (const [device, size] of Object.entries(sizes))
    test(`holds its layout and is accessible on a ${device}`, async () => {
      for (const scheme of ["light", "dark"]) {
        const { page, heard } = await open(file, size, scheme);
        assert.ok(await fits(page), "the page is wider than the window");
        await picture(page, `atlas-${device}-${scheme}`);
        await accessible(page, `${scheme} page`);
        await page.fill("#filter", "nobody");
        assert.ok(await page.locator("#nothing").isVisible());
        await accessible(page, `${scheme} page without a neuron`);
        assert.deepEqual(heard, []);
        await page.close();
      }
    });

  test("filters and sorts by mouse", async () => {
    const { page, heard } = await open(file, sizes.desktop);
    const given = await names(page);
    assert.equal(given.length, 14);
    assert.equal(await headings(page), 3);
    await page.click("#filter");
    await page.keyboard.type("CONV5 2");
    assert.deepEqual(await names(page), ["conv5:2@max"]);
    assert.equal(await page.locator("#found").textContent(), "1 of 14");
    assert.equal(await headings(page), 1);
    await page.fill("#filter", "");

    await page.selectOption("#order", "name");
    const { compare } = new Intl.Collator("en", { numeric: true });
    assert.deepEqual(await names(page), [...given].sort(compare));
    assert.equal(await headings(page), 0);
    const figures = (figure) =>
      page.$$eval("#cards .card", (all, figure) => all.map((card) => card.dataset[figure]), figure);
    for (const [order, figure, sign] of [
      ["distance", "distance", -1],
      ["evaluations", "evaluations", 1],
      ["range", "lo", 1],
    ]) {
      await page.selectOption("#order", order);
      const found = await figures(figure);
      const numbers = found.filter((number) => number !== undefined).map(Number);
      assert.deepEqual(numbers, [...numbers].sort((a, b) => sign * (a - b)), order);
      // The one that was missed has neither cost nor diversity.
      if (order !== "range") assert.equal(found.at(-1), undefined);
    }
    await page.selectOption("#order", "given");
    assert.deepEqual(await names(page), given);

    await page.locator("#cards .strip").nth(1).click();
    assert.match(page.url(), /\/atlas\/00001-fc8-1-trouser-[^/]*\/report\.html$/);
    assert.match(await page.locator("h1").textContent(), /Trouser/);
    assert.deepEqual(heard.filter((what) => !what.endsWith("/report.html")), []);
    await page.close();
  });

  test("filters and sorts by keyboard", async () => {
    const { page, heard } = await open(file, sizes.desktop);
    const given = await names(page);
    await page.keyboard.press("Tab");
    await page.keyboard.type("fc8");
    assert.equal((await names(page)).length, 10);
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.notEqual(await page.locator("#order").inputValue(), "given");
    assert.notDeepEqual(await names(page), given.slice(0, 10));
    await page.keyboard.press("Tab");
    assert.deepEqual(heard, []);
    const first = (await names(page))[0];
    assert.equal(await page.evaluate(() => document.activeElement.textContent), first);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/atlas\/0[^/]*\/report\.html$/);
    await page.close();
  });

  test("every link leads to a report", async () => {
    const { page } = await open(file, sizes.desktop);
    const links = await page.$$eval("#cards a", (all) => all.map((link) => link.getAttribute("href")));
    assert.equal(links.length, 13);
    for (const link of links) assert.ok(statSync(join(folder, "atlas", link)).isFile(), link);
    await page.close();
  });

  test("shows, filters and sorts a thousand neurons", async (t) => {
    const text = readFileSync(file, "utf8");
    const [head, cards, tail] = text.split(/(<li class="card"[^]*?)(?=\n<li class="group"|\n<\/ul>)/);
    const many = Array.from({ length: 100 }, (_, i) => cards.replaceAll(/(?<=class="name">(<a [^>]*>)?)(?=[^<])/g, `${i} `));
    const large = join(folder, "atlas", "large.html");
    writeFileSync(large, `${head}${many.join("\n")}\n</ul>${tail.slice(tail.indexOf("\n<p id=\"nothing\""))}`);
    const began = performance.now();
    const { page, heard } = await open(large, sizes.desktop);
    const loaded = performance.now() - began;
    assert.equal((await names(page)).length, 1000);
    // From the key to the next frame, the quickest of some: others share the machine.
    const frame = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    const quickest = async (act) => {
      const times = [];
      for (let i = 0; i < 5; i++) {
        const start = performance.now();
        await act(i);
        await frame();
        times.push(performance.now() - start);
      }
      return Math.min(...times);
    };
    await page.focus("#filter");
    const typed = await quickest((i) => page.keyboard.press("coats"[i]));
    assert.deepEqual(await names(page), []);
    await page.fill("#filter", "");
    const sorted = await quickest((i) => page.selectOption("#order", ["name", "distance", "range", "given", "name"][i]));
    const figures = { "to load": loaded, "for a key": typed, "to sort": sorted };
    for (const [what, milliseconds] of Object.entries(figures)) t.diagnostic(`${Math.round(milliseconds)} ms ${what}`);
    assert.deepEqual(heard, []);
    await page.close();
  });

  test("tells no folder", () => {
    const text = readFileSync(file, "utf8");
    for (const path of [folder, WEIGHTS]) assert.ok(!text.includes(path), path);
  });
});

test("what looks like markup is shown and never run", async () => {
  const classifier = join(folder, "<script>window.run=1<\u{2215}script>.safetensors");
  renamed(join(WEIGHTS, "tiny/classifier.safetensors"), classifier, hostile);
  const file = run(
    "hostile",
    ..."sample --neuron fc8:2 -n 6 --classifier".split(" "),
    classifier,
    "--generator",
    join(WEIGHTS, "tiny/generator.safetensors"),
  );
  const { page, heard } = await open(file, sizes.desktop);
  const expected = hostile.replace("\u001b", "\\u{1b}");
  const heading = await page.locator("h1").textContent();
  assert.ok(heading.startsWith("</script><script>window.run = 1</script><img"), heading);
  await page.locator("#grid button").first().click();
  const labels = await page.locator("#view-classes").textContent();
  assert.ok(labels.includes("</script><script>"), labels);
  assert.ok(!(await page.content()).includes("\u001b"), expected);
  assert.equal(await page.evaluate(() => window.run), undefined);
  assert.equal(await page.locator("img[src='x']").count(), 0);
  assert.deepEqual(heard, []);
  await page.close();
});
