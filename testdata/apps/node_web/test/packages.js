const { test } = require("uvu");
const assert = require("uvu/assert");
const { packages } = require("../server.js");

test("express is the one that package.json names", () => {
  assert.is(packages().express, require("../package.json").dependencies.express);
});

test.run();
