// What a second engine adds: journeys a second when more are due than can be
// played, with one engine and with two, on whatever processors there are; the
// target takes its part of them. Asks country.mjs.
//
//     node tests/bench/engines.mjs [SECONDS]
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const seconds = process.argv[2] ?? '15';
// Forty journeys at once: as many as are needed so that nobody waits for an answer.
const found = [1, 2].map((engines) => {
  const out = execFileSync(process.execPath, [path.join(here, 'country.mjs'), '--deployments', '600', '--every', '1',
    '--settle', '5', '--seconds', seconds, '--no-reload', '--free', '--parallel', '8', '--engines', String(engines)], { encoding: 'utf8', env: process.env });
  const line = (name) => Number(new RegExp(`^\\s*${name} +([\\d.]+)`, 'm').exec(out)[1]);
  const figures = { rate: line('journeys a second'), cpu: line('CPU of the daemon'), target: line('CPU of the target') };
  console.log(`${engines} ${engines === 1 ? 'engine ' : 'engines'}  ${figures.rate.toFixed(1).padStart(7)} journeys a second, the daemon used ${figures.cpu.toFixed(0)} % of a core, the target ${figures.target.toFixed(0)} %`);
  return figures;
});
console.log(`two engines to one: ${(found[1].rate / found[0].rate).toFixed(2)} (per CPU of the daemon: ${((found[1].rate / found[1].cpu) / (found[0].rate / found[0].cpu)).toFixed(2)})`);
