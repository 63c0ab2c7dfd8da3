// A page that says which Node and which packages it runs with.
const fs = require("node:fs");
const express = require("express");

function packages() {
  const lock = JSON.parse(fs.readFileSync(`${__dirname}/node_modules/.package-lock.json`, "utf8"));
  return Object.fromEntries(
    Object.entries(lock.packages).map(([path, one]) => [path.replace("node_modules/", ""), one.version]),
  );
}

const app = express();

app.get("/", (_request, response) => {
  const rows = Object.entries(packages())
    .map(([name, version]) => `<tr><td>${name}</td><td>${version}</td></tr>`)
    .join("");
  response.send(`<!doctype html><title>Node.js</title><h1>Node.js ${process.version}</h1><table>${rows}</table>`);
});

app.get("/data.json", (_request, response) => {
  response.json({
    node: process.version,
    packages: packages(),
    greeting: process.env.GREETING ?? "Hello",
    home: process.env.HOME,
  });
});

module.exports = { app, packages };

if (require.main === module) {
  const server = app.listen(process.env.PORT, () => console.log(`Listening on ${server.address().port}`));
}
