// Bundles each panel folder (`src/<panel>/index.ts[x]`) into one ESM and one CSS that Python hands to the browser.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here, "src");
const target = join(here, "..", "nbtrain", "widgets", "static");

const entryPoints = {};
for (const entry of readdirSync(sources, { withFileTypes: true })) {
  if (!entry.isDirectory()) continue;
  const index = ["index.tsx", "index.ts"]
    .map((name) => join(sources, entry.name, name))
    .find((path) => existsSync(path));
  if (index) entryPoints[entry.name] = index;
}

const options = {
  entryPoints,
  outdir: target,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  metafile: true,
  logLevel: "warning",
};

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

if (process.argv.includes("--watch")) {
  const context = await esbuild.context({ ...options, logLevel: "info" });
  await context.watch();
} else {
  const { metafile } = await esbuild.build(options);
  for (const [path, output] of Object.entries(metafile.outputs)) {
    process.stdout.write(`${relative(here, path)}  ${(output.bytes / 1024).toFixed(1)} kB\n`);
  }
}
