// Starts the real binary and stops it, and writes configurations for it.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { get, until } from './http.mjs';

export const srcdir = process.env.abs_top_srcdir ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

export function newSecret() {
  return `whsec_${crypto.randomBytes(32).toString('base64')}`;
}

// fillTemplate(file, places): "@NAME@" becomes places.NAME; none may be left.
export function fillTemplate(file, places) {
  return fs.readFileSync(file, 'utf8').replace(/@([A-Z0-9_]+)@/g, (whole, name) => {
    if (places[name] === undefined) throw new Error(`${file}: nothing for ${whole}`);
    return places[name];
  });
}

// The demo's configuration, which the integration tests use too. With port 0
// any free one is taken, and the address of the pages is not known before.
export function writeDemoConfig({ state, port, hookPort, secret, simPorts, every = '4s', change = (text) => text }) {
  const file = path.join(state, 'dyzurny.cfg');
  fs.writeFileSync(path.join(state, 'hook.secret'), `${secret}\n`, { mode: 0o600 });
  const places = {
    STATE: state,
    PORT: port,
    EVERY: every,
    PORT_HOOK: hookPort,
    PROFILES: path.join(srcdir, 'conf/profiles'),
    DASHBOARDS: path.join(srcdir, 'dashboards'),
    VARS_LIBRUS: '',
  };
  for (const [name, value] of Object.entries(simPorts)) places[`PORT_${name.toUpperCase()}`] = value;
  const text = fillTemplate(path.join(srcdir, 'conf/demo/dyzurny.cfg.in'), places);
  fs.writeFileSync(file, change(port === 0 ? text.replace(/ *public_url = .*\n/, '') : text));
  return file;
}

// startDaemon({binary, config, log}) -> { child, url, log, exit, stop }.
// Ready when it says in its log that it listens, so that no other program at
// that port can answer for it, and /readyz agrees. stop() asks with SIGTERM
// and gives the exit code.
export async function startDaemon({ binary, config, log, env = {} }) {
  const out = fs.openSync(log, 'a');
  const before = fs.statSync(log).size;
  const said = () => fs.readFileSync(log).subarray(before).toString('utf8');
  const child = spawn(binary, ['serve', '-c', config], {
    stdio: ['ignore', out, out],
    env: { ...process.env, ...env },
  });
  fs.closeSync(out);
  // a test that ends before stop() must not leave it behind
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const daemon = { child, log, url: undefined, code: undefined };
  daemon.exit = new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      process.removeListener('exit', end);
      daemon.code = signal ?? code;
      resolve(daemon.code);
    });
  });
  daemon.stop = async (signal = 'SIGTERM') => {
    if (daemon.code === undefined) child.kill(signal);
    return daemon.exit;
  };
  try {
    await until('the daemon answers', async () => {
      if (daemon.code !== undefined) return true;
      const port = /web listens .*port=(\d+)/.exec(said())?.[1];
      if (port) daemon.url = `http://127.0.0.1:${port}`;
      return port && (await get(`${daemon.url}/readyz`)).status === 200;
    }, 60);
  } catch (error) {
    await daemon.stop('SIGKILL');
    throw error;
  }
  if (daemon.code !== undefined) {
    throw new Error(`the daemon ended with ${daemon.code}:\n${said().slice(-4000)}`);
  }
  return daemon;
}
