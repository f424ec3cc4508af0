// The message's way between two accounts by every profile, when it is
// disturbed: late, there twice, the answer to the send lost, words of a
// failure in it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

import { srcdir } from '../lib/daemon.mjs';
import { probe, probeText, scenario } from '../lib/world.mjs';

const DEPLOYMENTS = {
  librus: 'librus/synergia', vulcan: 'vulcan/gdansk', helion: 'helion/dziennik', wizja: 'wizja/sp1', eszkola24: 'eszkola24/sp7',
};
// How each profile sends.
const SEND = {
  librus: '/api/messages',
  'librus-2020': '/wiadomosci/5',
  vulcan: '/InsertWiadomosc',
  'vulcan-dziennik': '/WiadomoscNowa',
  'vulcan-eduvulcan': '/WiadomoscNowa',
  helion: '/Wyslij',
  wizja: '/dodajwiadomosc',
  eszkola24: '/wiadomosci/wyslij',
};
const PROFILES = Object.keys(SEND).map((profile) => {
  const [operator] = profile.split('-');
  return { profile, operator, deployment: DEPLOYMENTS[operator] };
});
const profileFile = (profile) => path.join(srcdir, `conf/profiles/${profile}.cfg`);

const message = (run) => run.results.find((result) => result.transaction === 'message');
const of = (run, step) => run.exchanges.filter((exchange) => exchange.step === step);
const isSend = (profile) => (request) => request.method === 'POST' && request.url.includes(SEND[profile]);

// Stands between daemon and simulator, and hangs up on what it is told to:
// before it has passed the request on, or after the operator has answered.
async function startInterloper(world, operator) {
  const [key, cert] = ['server.key', 'server.pem'].map((file) => fs.readFileSync(path.join(world.dir, file)));
  const interloper = { hangsUp: () => null, hangUps: 0 };
  const server = https.createServer({ key, cert }, (request, response) => {
    const when = interloper.hangsUp(request);
    if (when) interloper.hangUps += 1;
    if (when === 'before') {
      request.socket.destroy();
      return;
    }
    const onward = https.request({
      host: '127.0.0.1', port: world.sim.ports[operator], servername: request.headers.host.split(':')[0], ca: world.sim.ca,
      method: request.method, path: request.url, headers: request.headers, agent: false,
    }, (answer) => {
      if (when === 'after') {
        answer.resume();
        answer.on('end', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => request.socket.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  interloper.port = server.address().port;
  interloper.stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return interloper;
}

// A configuration in which the operator has this profile, changed; it looks
// into boxes more often than by default.
function configure(world, { profile, operator }, change = (text) => text, more = {}) {
  const own = path.join(world.dir, `${profile}.cfg`);
  fs.writeFileSync(own, change(fs.readFileSync(profileFile(profile), 'utf8'))
    .replaceAll('every = "2s"', 'every = "300ms"'));
  return world.configure({ change: (text) => text.replace(profileFile(operator), own), ...more });
}

function exchanging(from, to) {
  return (text) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  };
}

// What comes between daemon and every simulator, for the length of `body`.
async function between(world, body) {
  const all = {};
  for (const operator of Object.keys(DEPLOYMENTS)) all[operator] = await startInterloper(world, operator);
  const simPorts = Object.fromEntries(Object.entries(all).map(([operator, one]) => [operator, one.port]));
  try {
    for (const one of PROFILES) {
      // the sent box is looked into for a shorter time than by default
      const config = configure(world, one, exchanging('at_most = "10s"', 'at_most = "2s"'), { simPorts });
      await body(one, all[one.operator], config);
      all[one.operator].hangsUp = () => null;
    }
  } finally {
    for (const one of Object.values(all)) await one.stop();
  }
}

scenario('a message whose send had no answer is looked for in the sent box, and never sent twice', async (world) => {
  await between(world, async ({ profile, operator, deployment }, interloper, config) => {
    const before = (await world.sim.state()).operators[operator].messages_sent;
    interloper.hangUps = 0;
    interloper.hangsUp = (request) => (isSend(profile)(request) ? 'after' : null);
    const { code, run } = await probe(config, deployment);
    const runs = interloper.hangUps; // a run that was tainted is played again
    assert.equal(code, 0, `${profile}: ${JSON.stringify(run.results)} ${JSON.stringify(of(run, 'look'))}`);
    assert.equal(message(run).reason, 'ok', profile);
    assert.equal(of(run, 'send').length, 1, profile);
    assert.equal(of(run, 'send')[0].reason, 'connection_reset', profile);
    assert.match(of(run, 'send')[0].note, /not sent again/);
    assert.ok(of(run, 'look').length >= 1, profile);
    assert.equal((await world.sim.state()).operators[operator].messages_sent - before, runs, profile);
  });
});

scenario('a message that never reached the operator ends as the send did', async (world) => {
  await between(world, async ({ profile, operator, deployment }, interloper, config) => {
    const before = (await world.sim.state()).operators[operator].messages_sent;
    interloper.hangsUp = (request) => (isSend(profile)(request) ? 'before' : null);
    const { code, run } = await probe(config, deployment);
    assert.equal(code, 1, profile);
    assert.equal(message(run).reason, 'connection_reset', `${profile}: ${JSON.stringify(message(run))}`);
    assert.equal(message(run).step, 'send', profile);
    assert.equal(of(run, 'send').length, 1, profile);
    assert.ok(of(run, 'look').length >= 1, profile);
    assert.equal(of(run, 'arrive').length, 0, profile);
    assert.equal((await world.sim.state()).operators[operator].messages_sent, before, profile);
  });
});

scenario('a message that is there twice is noticed, in JSON, terminal and log, and is no failure', async (world) => {
  for (const one of PROFILES) {
    const { profile, operator, deployment } = one;
    const config = configure(world, one);
    await world.sim.fault(operator, 'message_twice');
    const { code, run } = await probe(config, deployment);
    assert.equal(code, 0, `${profile}: ${JSON.stringify(run.results)}`);
    assert.equal(message(run).copies, 2, profile);
    assert.match(of(run, 'arrive').at(-1).note, /there 2 times, sent once/, profile);
    const terminal = await probeText(config, deployment);
    assert.match(terminal.out, /the message was there 2 times/, profile);
    assert.match(terminal.err, /warn message is there more than once deployment=\S+ step=\S+ copies=2/, profile);
    await world.sim.clear(operator);
    assert.equal(message((await probe(config, deployment)).run).copies, 1, profile);
  }
});

scenario('a message that comes late is late, with its latency', async (world) => {
  for (const one of PROFILES) {
    const { profile, operator, deployment } = one;
    const config = configure(world, one, exchanging('late = "30s"', 'late = "1s"'));
    await world.sim.fault(operator, 'message_late', { delay_ms: 1500 });
    const { code, run } = await probe(config, deployment);
    await world.sim.clear(operator);
    assert.equal(code, 1, profile);
    assert.equal(message(run).reason, 'message_late', `${profile}: ${JSON.stringify(message(run))}`);
    assert.equal(message(run).step, 'arrive');
    assert.ok(message(run).latency_ms >= 1500, profile);
  }
});

// All words by which the profiles and the daemon know a failure.
function wordsOfFailures() {
  const known = PROFILES.flatMap(({ profile }) => [...fs.readFileSync(profileFile(profile), 'utf8')
    .matchAll(/^ {2}\{ body = "([^"]*)"/gm)].map(([, words]) => words));
  const general = [...fs.readFileSync(path.join(srcdir, 'daemon/probe/marker.c'), 'utf8')
    .matchAll(/\{"([^"]*)", REASON_\w+\}/g)].map(([, words]) => words);
  assert.ok(known.length >= 5 && general.length >= 15, `${known.length} ${general.length}`);
  return [...new Set([...known, ...general, 'Zaloguj się'])].join(' ');
}

scenario('a letter whose subject holds the words of every failure is a letter', async (world) => {
  const words = wordsOfFailures();
  for (const one of PROFILES) {
    const { profile, deployment } = one;
    const config = configure(world, one, (text) => text.replace(
      /((?:topic|temat|tytul|nazwa)[^\w$]*)(\$\{run\.mark[^}]*\})/i,
      (_, name, mark) => `${name}${mark}${mark.includes('base64') ? Buffer.from(` ${words}`).toString('base64') : ` ${words}`}`));
    assert.ok(fs.readFileSync(path.join(world.dir, `${profile}.cfg`), 'utf8') !== fs.readFileSync(profileFile(profile), 'utf8'), profile);
    const { code, run } = await probe(config, deployment);
    assert.equal(code, 0, `${profile}: ${JSON.stringify(run.results)}`);
    assert.deepEqual(run.exchanges.map((exchange) => exchange.note).filter(Boolean), [], profile);
  }
});
