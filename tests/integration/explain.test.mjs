// dyzurny probe on a profile that does not fit: what was sought, what was
// found, and nothing of a person or an account.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { srcdir } from '../lib/daemon.mjs';
import { dyzurny, probe, scenario } from '../lib/world.mjs';

// [operator, deployment, what is changed in its profile to what, step, key words of the excerpt]
const CASES = [
  ['wizja', 'wizja/sp1', "xpath //*[@id = 'wyloguj']\" );", "body contains 'Wyloguj stąd'\" );", 'password', /Wyloguj</],
  ['librus', 'librus/synergia', "json /status = 'ok'", "json /status = 'gut'", 'password', /"status":"\w+"/],
  ['eszkola24', 'eszkola24/sp7', 'page = form haslo', 'page = form password', 'form', /name="haslo"/],
];

scenario('a profile that does not fit is told what was sought and shown a masked piece of the page', async (world) => {
  for (const [name, deployment, from, to, step, shown] of CASES) {
    const profile = fs.readFileSync(path.join(srcdir, `conf/profiles/${name}.cfg`), 'utf8');
    assert.ok(profile.includes(from), from);
    fs.writeFileSync(path.join(world.dir, `${name}.cfg`), profile.replace(from, to));
    const config = world.configure({ change: (text) => text.replace(/"[^"]*\/(\w+)\.cfg"/g,
      (whole, one) => (one === name ? `"${name}.cfg"` : whole)) });
    const har = path.join(world.dir, 'run.har');
    const { code, out, run } = await probe(config, deployment, '--har', har);
    assert.equal(code, 1, deployment);
    const failed = run.exchanges.find((exchange) => exchange.sought);
    assert.equal(failed.step, step, deployment);
    assert.ok(to.includes(failed.sought.replace(/^.* = /, '')) || failed.sought.includes('form password'), failed.sought);
    assert.match(failed.excerpt, shown, deployment);
    assert.ok(failed.excerpt.length < 300);
    const terminal = await dyzurny('probe', '-c', config, deployment);
    assert.match(terminal.out, /\n +sought: .*\n +found: +\S/);
    assert.ok(!fs.readFileSync(har, 'utf8').includes(failed.excerpt), 'the HAR file holds the excerpt');
    // the names of the people and what is in their account files
    for (const account of Object.values(world.sim.accounts)) {
      for (const value of [account.user, account.password, account.name, ...(account.name ?? '').split(' ')]) {
        if ((value ?? '').length < 3) continue;
        assert.ok(!failed.excerpt.includes(value), `${value} in ${failed.excerpt}`);
        assert.ok(!terminal.out.includes(`found:  ${value}`));
      }
    }
    assert.ok(!out.includes(world.sim.accounts[Object.keys(world.sim.accounts).find((one) => one.startsWith(name))].password));
  }
});
