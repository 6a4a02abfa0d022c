// Which shapes are images: nothing else about the page can be tested without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";

const { outputFiles } = await build({
  entryPoints: [new URL("../page/tensors.ts", import.meta.url).pathname],
  bundle: true,
  write: false,
  format: "esm",
});
const { raster, shown } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);

test("images are told by their shape", () => {
  for (const [shape, channels, height, width, interleaved] of [
    [[1, 1, 28, 28], 1, 28, 28, false],
    [[28, 28], 1, 28, 28, false],
    [[1, 3, 32, 48], 3, 32, 48, false],
    [[3, 32, 32], 3, 32, 32, false],
    [[1, 128, 128, 3], 3, 128, 128, true],
    [[64, 64, 1], 1, 64, 64, true],
  ]) {
    assert.deepEqual(raster(shape, "real"), { height, width, channels, interleaved }, shape.join());
  }
});

test("what is no image is none", () => {
  for (const shape of [[], [10], [1, 10], [1, 1000], [2, 3, 32, 32], [1, 12, 64, 64], [1, 4, 400], [3, 3, 3], [1, 1, 4096, 4096]]) {
    assert.equal(raster(shape, "real"), null, shape.join());
  }
  assert.equal(raster([28, 28], "integer"), null);
});

test("numbers have five digits, and integers all", () => {
  assert.equal(shown(0.123456789, "real"), "0.12346");
  assert.equal(shown(12345678, "integer"), "12345678");
});
