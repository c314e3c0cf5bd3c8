// Reports of a sample, an intersection, levels, a comparison and an atlas, as people meet
// them: in a browser, with mouse and with keyboard, on a phone and on a desktop.
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
    // Two layers, and a neuron that no image reaches.
    const neurons = ["fc8:all", "conv5:0..2@max", "fc8:Coat=1000.."];
    file = run("atlas", "atlas", "-n", "8", ...neurons.flatMap((neuron) => ["--neurons", neuron]));
  });

  const cards = (page) => page.$$eval(".card .name", (all) => all.map((name) => name.textContent));
  const headings = (page) => page.$$eval("#cards .group h3", (all) => all.map((h) => h.textContent));
  const figures = (page, figure) =>
    page.$$eval(".card", (all, name) => all.map((card) => card.dataset[name]).filter((text) => text !== undefined).map(Number), figure);

  for (const [device, size] of Object.entries(sizes))
    test(`holds its layout and is accessible on a ${device}`, async () => {
      for (const scheme of ["light", "dark"]) {
        const { page, heard } = await open(file, size, scheme);
        assert.ok(await fits(page), "the page is wider than the window");
        await picture(page, `atlas-${device}-${scheme}`);
        await accessible(page, `${scheme} page`);
        assert.deepEqual(heard, []);
        await page.close();
      }
    });

  test("filters and sorts by keyboard", async () => {
    const { page, heard } = await open(file, sizes.desktop);
    const all = await cards(page);
    assert.equal(all.length, 14);
    assert.deepEqual(await headings(page), ["fc8", "conv5"]);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "filter");
    await page.keyboard.type("CONV5");
    assert.deepEqual(await cards(page), ["conv5:0@max", "conv5:1@max", "conv5:2@max"]);
    assert.deepEqual(await headings(page), ["conv5"]);
    assert.equal(await page.locator("#found").textContent(), "3 of 14");
    await page.keyboard.type(" diversity");
    assert.deepEqual(await cards(page), []);
    assert.ok(await page.locator("#nothing").isVisible());
    await page.keyboard.press("Control+A");
    await page.keyboard.type("missed");
    assert.deepEqual(await cards(page), ["Coat"]);
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Delete");
    assert.deepEqual(await cards(page), all);

    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "order");
    const press = async (expected) => {
      await page.keyboard.press("ArrowDown");
      assert.equal(await page.locator("#order").inputValue(), expected);
    };
    await press("name");
    const names = await cards(page);
    assert.deepEqual(names, [...all].sort(new Intl.Collator("en", { numeric: true }).compare));
    assert.deepEqual(await headings(page), []);
    await press("distance");
    const distances = await figures(page, "distance");
    assert.equal(distances.length, 13);
    assert.deepEqual(distances, [...distances].sort((a, b) => b - a));
    assert.equal((await cards(page)).at(-1), "Coat");
    await press("evaluations");
    const evaluations = await figures(page, "evaluations");
    assert.deepEqual(evaluations, [...evaluations].sort((a, b) => a - b));
    await press("range");
    const from = await figures(page, "lo");
    assert.deepEqual(from, [...from].sort((a, b) => a - b));
    await page.keyboard.press("Home");
    assert.deepEqual(await cards(page), all);
    assert.deepEqual(await headings(page), ["fc8", "conv5"]);
    assert.deepEqual(heard, []);
    await page.close();
  });

  test("every neuron leads to the page of its run", async () => {
    const { page } = await open(file, sizes.desktop);
    // The link covers its card.
    await page.locator(".card").nth(1).locator("img").click({ force: true });
    assert.equal(await page.locator("h1").textContent(), "Trouser");
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
