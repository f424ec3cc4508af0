// A journey leaves nothing behind: whatever is there of it, or of an earlier
// one, is deleted on both sides where the operator has a way.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { srcdir } from '../lib/daemon.mjs';
import { probe, scenario } from '../lib/world.mjs';

const DEPLOYMENTS = {
  librus: 'librus/synergia', vulcan: 'vulcan/gdansk', helion: 'helion/dziennik', eszkola24: 'eszkola24/sp7',
};
// Wizja is not here: how a message is deleted there is not public.
const PROFILES = ['librus', 'librus-2020', 'vulcan', 'vulcan-dziennik', 'vulcan-eduvulcan', 'helion', 'eszkola24'];
const profileFile = (profile) => path.join(srcdir, `conf/profiles/${profile}.cfg`);
const FOLDERS = { received: 'cleanup', sent: 'cleanup-sent' };

// With more rounds than usual: a run that was tainted is played again, and has
// perhaps left something as well.
function configure(world, profile, change = (text) => text) {
  const own = path.join(world.dir, `${profile}.cfg`);
  fs.writeFileSync(own, change(fs.readFileSync(profileFile(profile), 'utf8'))
    .replaceAll('repeat = 5;', 'repeat = 20;'));
  return world.configure({ change: (text) => text.replace(profileFile(profile.split('-')[0]), own) });
}

const leavesAll = (text) => text.replace(/repeat = 5;/g, 'repeat = 1;').replaceAll("'dyzurny-'", "'nothing'");

const play = async (config, profile) => {
  const { code, run, attempts } = await probe(config, DEPLOYMENTS[profile.split('-')[0]]);
  assert.equal(code, 0, `${profile}: ${JSON.stringify(run.results)}`);
  return { ...run, attempts };
};

// The journey after one that had to leave its message. It is played again from
// there when it was tainted: then the tainted one has found what was left.
async function playAfterLeaving(world, profile) {
  for (let tries = 0; ; tries += 1) {
    await play(configure(world, profile, leavesAll), profile);
    const run = await play(configure(world, profile), profile);
    if (run.attempts === 1 || tries === 20) return run;
  }
}

// How many times each side was looked into and how often something was deleted
// for good; nothing was refused, and the last look found nothing.
function cleared(run, profile) {
  return Object.fromEntries(Object.entries(FOLDERS).map(([side, transaction]) => {
    const cleaning = run.exchanges.filter((exchange) => exchange.transaction === transaction);
    assert.deepEqual(cleaning.map((exchange) => exchange.note).filter(Boolean), [], profile);
    assert.equal(cleaning.at(-1).step, `find-${side}`, profile);
    const last = cleaning.filter((exchange) => exchange.step !== `find-${side}`).map((exchange) => exchange.step).at(-1);
    return [side, cleaning.filter((exchange) => exchange.step === last && exchange.method === 'POST').length];
  }));
}

for (const profile of PROFILES) {
  scenario(`${profile}: every copy of a message is deleted on both sides, also an earlier journey's`, async (world) => {
    const operator = profile.split('-')[0];
    const config = configure(world, profile);
    assert.deepEqual(cleared(await play(config, profile), profile), { received: 1, sent: 1 });
    // what is there twice
    await world.sim.fault(operator, 'message_twice');
    const twice = cleared(await play(config, profile), profile);
    assert.equal(twice.received, 2);
    assert.ok(twice.sent >= 1);
    await world.sim.clear(operator);
    // what a journey had to leave goes with the next one
    const left = cleared(await playAfterLeaving(world, profile), profile);
    assert.ok(left.received >= 2 && left.sent >= 2, JSON.stringify(left));
    assert.deepEqual(cleared(await play(config, profile), profile), { received: 1, sent: 1 });
    assert.equal((await world.sim.state()).operators[operator].login_failures, 0);
  });
}
