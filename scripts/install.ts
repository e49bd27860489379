/**
 * What the scripts of package.json begin with: `bun scripts/install.ts [options of bun install]`. Installs what is missing,
 * as bun.lock has it. Silent where that is quick; one line where it is not, and all that Bun says where it fails. No imports
 * but the runtime's own: nothing is installed yet.
 */

/** A wait that wants an explanation, milliseconds. */
const LONG_MS = 2000;

/** What to do about it, after what Bun says. */
const WHERE_FROM = `They come from the npm registry, or from the mirror that .npmrc or BUN_CONFIG_REGISTRY names: is it reached from here?
Where there is no network, bring along the node_modules of a checkout that has one; nothing else is needed.`;

const child = Bun.spawn([process.execPath, "install", "--frozen-lockfile", "--no-progress", ...process.argv.slice(2)], {
  cwd: `${import.meta.dir}/..`,
  stdin: "ignore",
  stdout: "pipe",
  stderr: "pipe",
});
const timer = setTimeout(
  () => process.stderr.write("Installing packages (bun install); this is needed once …\n"),
  LONG_MS,
);
const [output, errors, code] = await Promise.all([
  new Response(child.stdout).text(),
  new Response(child.stderr).text(),
  child.exited,
]);
clearTimeout(timer);
if (code !== 0) {
  const said = `${errors}${output}`.trim();
  process.stderr.write(`Packages could not be installed (bun install, exit code ${code}):\n${said}\n${WHERE_FROM}\n`);
  process.exitCode = 1;
}
