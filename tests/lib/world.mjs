// A world for one scenario: simulators, webhook receiver, configuration, and
// the real binary. Everything lives below one folder, which stays when the
// scenario fails, so that it can be looked at and run again.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { newSecret, startDaemon, writeDemoConfig } from './daemon.mjs';
import { startHook } from './hook.mjs';
import { get, until } from './http.mjs';
import { startSim, topBuild } from './sim.mjs';

export { get, until };
export const binary = path.join(topBuild, 'daemon/dyzurny');

// run(command, args) -> { code, out, err }; never rejects.
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let out = '';
    let err = '';
    child.stdout.on('data', (part) => { out += part; });
    child.stderr.on('data', (part) => { err += part; });
    child.on('error', (error) => resolve({ code: -1, out, err: String(error) }));
    child.on('close', (code, signal) => resolve({ code: signal ?? code, out, err }));
  });
}

export const dyzurny = (...args) => run(binary, args);

// fairly(attempt, isTainted): a machine that is busy with other things makes a
// run tainted, which is no verdict: then once more. `attempts` counts them.
async function fairly(attempt, isTainted) {
  for (let i = 0; ; i += 1) {
    const got = await attempt();
    if (i === 9 || !isTainted(got)) return { ...got, attempts: i + 1 };
  }
}

// probe(config, deployment) -> { code, out, run }: a journey, as JSON.
export const probe = (config, deployment, ...more) => fairly(async () => {
  const { code, out, err } = await dyzurny('probe', '-c', config, deployment, '--json', ...more);
  if (!out.startsWith('{')) throw new Error(`${deployment}: ${code} ${out.slice(0, 500)} ${err}`);
  return { code, out, run: JSON.parse(out) };
}, ({ run: one }) => one.results.some((result) => result.reason === 'tainted'));

// probeText(config, deployment) -> { code, out, err }: what a person sees.
export const probeText = (config, deployment, ...more) => fairly(
  () => dyzurny('probe', '-c', config, deployment, ...more),
  ({ out }) => /^\w+ +tainted/m.test(out));

// Every transaction of the demo's configuration is up, with so many good runs.
export const allMeasured = (world, runs = 3) => until('every transaction is measured', async () => {
  const all = await world.transactions();
  return all.length === 24 && all.every((one) => one.state === 'up' && one.ok >= runs) && all;
}, 180);

// scenario(name, body): body gets a world. What the world started is stopped
// at the end, and a daemon must end with 0 unless the body stopped it itself.
export function scenario(name, body, { sim: wantsSim = true, simArgs = [], simEnv = {}, timeout = 900000 } = {}) {
  test(name, { timeout }, async (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'dyzurny-test-'));
    const ends = [];
    const world = { dir, t, daemons: [] };
    let well = false;
    try {
      if (wantsSim) {
        world.sim = await startSim({ dir, args: simArgs, env: simEnv });
        ends.push(() => world.sim.stop());
      }
      world.secret = newSecret();
      if (wantsSim) {
        world.hook = await startHook({ certs: dir, secret: world.secret });
        ends.push(() => world.hook.stop());
      }
      // configure(options): writes the configuration, returns its path. The
      // demo's rule on slowness is left out: a busy machine may well be slow.
      world.configure = ({ change = (text) => text, ...options } = {}) => {
        world.config = writeDemoConfig({
          state: dir,
          port: 0,
          change: (text) => change(text.replace(/,\s*\{ name = "slow"; kind = "latency";[^}]*\}/, '')),
          hookPort: world.hook?.port ?? 1,
          secret: world.secret,
          simPorts: world.sim?.ports ?? { librus: 1, vulcan: 1, wizja: 1, helion: 1, eszkola24: 1 },
          every: '2s',
          ...options,
        });
        return world.config;
      };
      world.start = async (options = {}) => {
        const daemon = await startDaemon({
          binary, config: world.config, log: path.join(dir, 'dyzurny.log'), ...options,
        });
        world.daemons.push(daemon);
        return daemon;
      };
      world.status = async () => (await get(`${world.daemons.at(-1).url}/api/v1/status`)).json();
      world.transactions = async () => {
        const status = await world.status();
        return status.operators.flatMap((operator) => operator.deployments
          .flatMap((deployment) => deployment.transactions.map((transaction) => ({
            target: `${operator.name}/${deployment.name}/${transaction.name}`, ...transaction,
          }))));
      };
      world.log = () => fs.readFileSync(path.join(dir, 'dyzurny.log'), 'utf8');
      await body(world);
      for (const daemon of world.daemons) {
        if (daemon.code === undefined) {
          const code = await daemon.stop();
          if (code !== 0) throw new Error(`the daemon ended with ${code}\n${world.log().slice(-3000)}`);
        }
      }
      well = true;
    } finally {
      for (const daemon of world.daemons) if (daemon.code === undefined) await daemon.stop('SIGKILL');
      for (const end of ends.reverse()) await end();
      if (well) fs.rmSync(dir, { recursive: true, force: true });
      else t.diagnostic(`what it left: ${dir}`);
    }
  });
}
