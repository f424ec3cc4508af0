// Starts the simulated operators for a test and talks to their control port.
// Works with Node 18; the environment names the build and source trees.
import { execFile, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));

export const topSource =
  process.env.abs_top_srcdir ?? path.resolve(here, "../..");
export const topBuild = process.env.abs_top_builddir ?? topSource;

const program = path.join(topBuild, "tests/sim/dyzurny-sim");

/** Certificates in DIR: ca.pem, server.pem, expired.pem, wrongname.pem. */
export async function makeCa(dir) {
  await run("sh", [path.join(topSource, "tests/sim/make-ca.sh"), dir]);
}

/** The account files of all operators, written to DIR, and read:
 *  {"wizja-sp1-a": {user, password, id, name, mailbox?}, …} */
export async function writeAccounts(dir) {
  await run(program, ["--accounts", dir]);
  const accounts = {};
  for (const name of await readdir(dir)) {
    const text = await readFile(path.join(dir, name), "utf8");
    accounts[name] = Object.fromEntries(
      text
        .trim()
        .split("\n")
        .map((line) => line.split(/ = (.*)/s, 2)),
    );
  }
  return accounts;
}

function control(port, method, route, order) {
  const body = order === undefined ? undefined : JSON.stringify(order);
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: "127.0.0.1", port, method, path: route, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece) => (text += piece));
        response.on("end", () =>
          resolve({ status: response.statusCode, body: JSON.parse(text) }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

function readyLine(child) {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.once("line", (line) => resolve(JSON.parse(line)));
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`dyzurny-sim ended early: ${code ?? signal}`)),
    );
  });
}

/**
 * Starts dyzurny-sim. Options: `args` (more arguments), `dir` (certificates;
 * a fresh directory that stop() removes if absent), `log` (a file for what it
 * says, else our own stderr), `env` (more environment). Gives ports, ca (PEM),
 * dir, accounts, pid, and
 *   state()                     the truth, as an object
 *   load(operator, rps, more)   virtual visitors
 *   capacity(operator, rps, more)
 *   fault(operator, kind, more) more: variant, deployment, transaction, at,
 *                               share, count, delay_ms
 *   forward(seconds, operator)  moves its clock, of all without an operator:
 *                               what can grow old does, what waits does not;
 *                               reset() sets it right again
 *   clear(operator), reset(operator)   of all without an operator
 *   order(method, path, body)   any call; gives {status, body}
 *   stop()                      gives the exit code
 */
export async function startSim({ args = [], dir, log, env = {} } = {}) {
  const own = dir === undefined;
  const home = own
    ? await mkdtemp(path.join(process.env.TMPDIR ?? tmpdir(), "sim-"))
    : dir;
  await makeCa(home);
  const accounts = await writeAccounts(path.join(home, "accounts"));
  const out = log ? openSync(log, "a") : undefined;
  const child = spawn(program, ["--dir", home, ...args], {
    stdio: ["ignore", "pipe", out ?? "inherit"],
    env: { ...process.env, ...env },
  });
  if (out !== undefined) closeSync(out);
  const exited = new Promise((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal)),
  );
  // a test that fails before stop() must not leave it behind
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.removeListener("exit", end));
  const ready = await readyLine(child);
  const order = (method, route, body) =>
    control(ready.control, method, route, body);
  const obeyed = async (route, body) => {
    const answer = await order("POST", route, body);
    if (answer.status !== 200)
      throw new Error(`${route}: ${JSON.stringify(answer.body)}`);
  };
  return {
    ...ready,
    pid: child.pid,
    dir: home,
    ca: await readFile(path.join(home, "ca.pem"), "utf8"),
    accounts,
    order,
    state: async () => (await order("GET", "/state")).body,
    load: (operator, rps, more) =>
      obeyed("/load", { operator, requests_per_s: rps, ...more }),
    capacity: (operator, rps, more) =>
      obeyed("/capacity", { operator, requests_per_s: rps, ...more }),
    fault: (operator, kind, more) =>
      obeyed("/fault", { operator, kind, ...more }),
    forward: (forward_s, operator) =>
      obeyed("/clock", { forward_s, ...(operator && { operator }) }),
    clear: (operator) => obeyed("/clear", operator && { operator }),
    reset: (operator) => obeyed("/reset", operator && { operator }),
    async stop() {
      if (child.exitCode === null && child.signalCode === null)
        child.kill("SIGTERM");
      const code = await exited;
      if (own) await rm(home, { recursive: true, force: true });
      return code;
    },
  };
}
