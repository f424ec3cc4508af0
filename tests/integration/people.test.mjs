// What people may do, with a token or by the control socket: every change and
// every role; maintenance, in which an operator is not judged; silences, in
// which nobody is told. All of it stays over a kill.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { allMeasured, dyzurny, get, scenario, until } from '../lib/world.mjs';

const S = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const openapi = JSON.parse(fs.readFileSync(path.join(S, 'dashboards/openapi.json'), 'utf8'));

const send = (world, method, where, { token, body } = {}) => get(`${world.daemons.at(-1).url}/api/v1/${where}`, {
  method,
  headers: {
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
  },
  body: body === undefined ? undefined : JSON.stringify(body),
});
const api = async (world, where) => (await get(`${world.daemons.at(-1).url}/api/v1/${where}`)).json();
const incidents = async (world) => (await api(world, 'incidents?state=all')).incidents;
const told = (world, type) => world.hook.received.filter((message) => message.type === type && !message.problem);

// makeToken(world, name, role, …): as a person does it, in the terminal.
async function makeToken(world, name, role, ...more) {
  const made = await dyzurny('user', '-c', world.config, 'add', name, '--role', role, ...more);
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /^edz_[0-9a-f]{12}_[0-9a-f]{64}\n$/);
  assert.match(made.err, /it is shown once/);
  return made.out.trim();
}

const idOf = (token) => token.split('_')[1];

// Who may at least, written here and not read from what is tested.
const CHANGES = {
  'post /api/v1/incidents/{id}/acknowledge': 'operator',
  'post /api/v1/incidents/{id}/notes': 'operator',
  'post /api/v1/maintenance': 'operator',
  'delete /api/v1/maintenance/{id}': 'operator',
  'post /api/v1/silences': 'staff',
  'delete /api/v1/silences/{id}': 'staff',
  'post /api/v1/deliveries/retry': 'staff',
  'post /api/v1/deliveries/{id}/retry': 'staff',
  'post /api/v1/subscribers/{name}/test': 'staff',
  'post /api/v1/accounts/{name}/release': 'admin',
  'get /api/v1/tokens': 'admin',
  'post /api/v1/tokens': 'admin',
  'delete /api/v1/tokens/{id}': 'admin',
  'get /api/v1/audit': 'staff',
};
const ROLES = ['operator', 'staff', 'admin'];

// The demo's rule, for logins of Vulcan only, so that a busy machine opens
// nothing else.
const rules = (more = '') => (text) => text
  .replace(/incidents = \{[^}]*\};/, `incidents = { reopen_within = "0s"; confirm_after = "1h"; };\n${more}`)
  .replace('severity = 3; }', 'severity = 3; operator = "vulcan"; transaction = "login"; }');
const noticeless = 'maintenance = { notice = "0s"; };';

scenario('every change is for those whose role allows it, and for nobody else', async (world) => {
  world.configure({ change: (text) => rules()(text).replace(/^maintenance = \{[^}]*\};/m, '') });
  await world.start();
  await allMeasured(world, 1);
  const tokens = {
    operator: await makeToken(world, 'Librus NOC', 'operator', '--operator', 'librus'),
    staff: await makeToken(world, 'Anna Żak', 'staff'),
    admin: await makeToken(world, 'root', 'admin', '--days', '2'),
  };
  const stranger = await makeToken(world, 'Vulcan NOC', 'operator', '--operator', 'vulcan');
  const revoked = await makeToken(world, 'Jan', 'admin');
  assert.equal((await dyzurny('user', '-c', world.config, 'revoke', idOf(revoked))).code, 0);

  // something of Librus to be touched
  const planned = await send(world, 'POST', 'maintenance', {
    token: tokens.operator, body: { reason: 'baza', from: '+2h', until: '+3h' },
  });
  assert.equal(planned.status, 201, planned.text);

  const described = {};
  for (const [where, item] of Object.entries(openapi.paths)) {
    for (const [method, one] of Object.entries(item)) {
      if (one.security) described[`${method} ${where}`] = one['x-least-role'];
    }
  }
  assert.deepEqual(described, CHANGES);

  const wrong = `${tokens.admin.slice(0, -1)}${tokens.admin.endsWith('0') ? '1' : '0'}`;
  const nobody = { none: undefined, nonsense: 'x', wrong, unknown: `edz_${'0'.repeat(12)}_${'0'.repeat(64)}`, revoked };
  let cells = 0;
  for (const [change, least] of Object.entries(CHANGES)) {
    const [method, where] = change.split(' ');
    const at = where.replace('/api/v1/', '').replace(/\{\w+\}/, where.includes('tokens') ? '0'.repeat(12) : '99');
    const ask = (token) => send(world, method.toUpperCase(), at, { token, body: method === 'get' ? undefined : {} });
    for (const [kind, token] of Object.entries(nobody)) {
      const answer = await ask(token);
      assert.equal(answer.status, 401, `${change} ${kind}: ${answer.text}`);
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="dyzurny"');
      cells += 1;
    }
    for (const role of ROLES) {
      const answer = await ask(tokens[role]);
      const may = ROLES.indexOf(role) >= ROLES.indexOf(least);
      assert.equal(answer.status === 403, !may, `${change} ${role}: ${answer.status} ${answer.text}`);
      assert.notEqual(answer.status, 401);
      assert.notEqual(answer.status, 500, answer.text);
      cells += 1;
    }
  }
  assert.equal(cells, Object.keys(CHANGES).length * (Object.keys(nobody).length + ROLES.length));

  // and an operator's token only for what is its own
  for (const [method, where, body] of [
    ['POST', 'maintenance', { operator: 'librus', reason: 'x', until: '+1h' }],
    ['DELETE', `maintenance/${planned.json().id}`, {}],
  ]) {
    const answer = await send(world, method, where, { token: stranger, body });
    assert.deepEqual([answer.status, answer.json().error.code], [403, 'not_allowed'], answer.text);
  }
  const own = await send(world, 'DELETE', `maintenance/${planned.json().id}`, { token: tokens.operator });
  assert.deepEqual([own.status, own.json().ended_by], [200, 'Librus NOC'], own.text);

  // what is wrong is named, and nothing is kept of it
  for (const [body, field] of [
    [{ operator: 'librus', until: '+1h' }, 'reason'],
    [{ reason: 'x', until: '+1h' }, 'operator'],
    [{ operator: 'nobody', reason: 'x', until: '+1h' }, 'operator'],
    [{ operator: 'librus', deployment: 'nowhere', reason: 'x', until: '+1h' }, 'deployment'],
    [{ operator: 'librus', reason: 'x' }, 'until'],
    [{ operator: 'librus', reason: 'x', until: '-1h' }, 'until'],
    [{ operator: 'librus', reason: 'x', until: '2026-03-29T02:30' }, 'until'],
    [{ operator: 'librus', reason: 'x', until: 'jutro' }, 'until'],
    [{ operator: 'librus', reason: 'x', from: '+1h', until: '+800h' }, 'until'],
    [{ operator: 'librus', reason: 'x', from: -5, until: '+1h' }, 'from'],
    [{ operator: 'librus', reason: 'x\ny', until: '+1h' }, 'reason'],
    [{ operator: 'librus', reason: 'x'.repeat(300), until: '+1h' }, 'reason'],
    [{ operator: 'librus', reason: 'x', days: ['sunday'], at: '02:30', minutes: 5 }, 'days'],
    [{ operator: 'librus', reason: 'x', days: [], at: '02:30', minutes: 5 }, 'days'],
    [{ operator: 'librus', reason: 'x', days: ['sun'], at: '24:00', minutes: 5 }, 'at'],
    [{ operator: 'librus', reason: 'x', days: ['sun'], at: '2:30', minutes: 5 }, 'at'],
    [{ operator: 'librus', reason: 'x', days: ['sun'], at: '02:30', minutes: 1441 }, 'minutes'],
    [{ operator: 'librus', reason: 'x', until: '+1h', minutes: 5 }, 'minutes'],
    [{ operator: 'librus', reason: 'x', until: '+1h', rule: 'y' }, 'rule'],
    [{ operator: 'librus', reason: 'x', until: '+1h', color: 'red' }, 'color'],
    [{ operator: 'librus', reason: 'x', until: '+1h', by: 'Ewa' }, 'by'],
    [[], 'body'],
  ]) {
    const answer = await send(world, 'POST', 'maintenance', { token: tokens.staff, body });
    assert.deepEqual([answer.status, answer.json().error.field], [400, field], `${JSON.stringify(body)}: ${answer.text}`);
  }
  assert.equal((await api(world, 'maintenance')).maintenance.length, 1);
  assert.equal((await api(world, 'maintenance?state=open')).maintenance.length, 0);

  // a third valid token of one name is refused; a token used is seen to be
  await makeToken(world, 'Anna Żak', 'staff');
  const third = await dyzurny('user', '-c', world.config, 'add', 'Anna Żak', '--role', 'staff');
  assert.deepEqual([third.code, third.out], [1, '']);
  assert.match(third.err, /two tokens of this name are valid/);
  const list = await until('its use is written', async () => {
    const { tokens: all } = (await send(world, 'GET', 'tokens', { token: tokens.admin })).json();
    return all.find((one) => one.id === idOf(tokens.staff)).last_used && all;
  });
  assert.deepEqual(list.find((one) => one.id === idOf(revoked)).valid, false);

  // the audit knows who, by what, and no secret is anywhere
  const audit = await dyzurny('user', '-c', world.config, 'audit');
  assert.match(audit.out, new RegExp(`Librus NOC +token ${idOf(tokens.operator)} +maintenance.add +1`));
  assert.match(audit.out, /token.revoke/);
  const daemon = world.daemons.at(-1);
  assert.equal(await daemon.stop(), 0);
  for (const file of fs.readdirSync(world.dir, { recursive: true })) {
    const full = path.join(world.dir, String(file));
    if (!fs.statSync(full).isFile()) continue;
    const bytes = fs.readFileSync(full);
    for (const token of [...Object.values(tokens), stranger, revoked]) {
      assert.equal(bytes.includes(token.split('_')[2]), false, full);
    }
  }
});

scenario('in agreed maintenance an operator is not judged, and afterwards it is', async (world) => {
  const config = world.configure({ change: rules(noticeless) });
  await world.start();
  await allMeasured(world, 2);
  const token = await makeToken(world, 'Vulcan NOC', 'operator', '--operator', 'vulcan');
  const stateOf = async (name) => (await world.status()).operators.find((one) => one.name === name);
  const announced = await send(world, 'POST', 'maintenance', { token, body: { reason: 'wymiana bazy', until: '+1h' } });
  assert.deepEqual([announced.status, announced.json().state], [201, 'active'], announced.text);
  await until('it is shown', async () => (await stateOf('vulcan')).state === 'maintenance');
  assert.equal((await stateOf('librus')).state, 'up');

  await world.sim.fault('vulcan', 'http_503');
  const failing = async (n) => {
    const all = (await stateOf('vulcan')).deployments.map((one) => one.transactions.find((tr) => tr.name === 'login'));
    return all.every((one) => one.reason === 'http_5xx' && one.excluded >= n) && all;
  };
  const before = (await stateOf('vulcan')).deployments[0].transactions[0];
  const logins = await until('it fails, and that does not count', async () => failing(before.excluded + 3), 180);
  for (const login of logins) assert.deepEqual([login.state, login.failed], ['maintenance', 0]);

  // killed meanwhile: it holds on
  await world.daemons.at(-1).stop('SIGKILL');
  await world.start();
  await until('it fails on', () => failing(3), 180);
  assert.equal((await stateOf('vulcan')).state, 'maintenance');
  assert.deepEqual(await incidents(world), []);

  for (const login of (await stateOf('vulcan')).deployments.map((one) => one.transactions.find((tr) => tr.name === 'login'))) {
    // null when the minutes of the good runs before were touched by it, too
    assert.ok([1, null].includes(login.availability_24h), `what failed in maintenance does not count, after a start neither: ${login.availability_24h}`);
  }

  const list = await dyzurny('maintenance', '-c', config, 'list', '--open');
  assert.match(list.out, /^1 +active +vulcan .*once +Vulcan NOC +wymiana bazy$/m);
  const ended = await dyzurny('maintenance', '-c', config, 'end', '1', '--by', 'Jan Żak');
  assert.deepEqual([ended.code, ended.out], [0, 'maintenance 1 ended by Jan Żak\n'], ended.err);
  assert.match((await dyzurny('maintenance', '-c', config, 'end', '1')).err, /is over/);
  await until('then it is an incident', async () => (await incidents(world)).length > 0, 180);
  await until('and down', async () => (await stateOf('vulcan')).state === 'down', 180);
  assert.equal((await incidents(world))[0].scope, 'vulcan/_all/login');
}, { simArgs: [] });

scenario('what an operator announces too late is shown and alters nothing; staff may', async (world) => {
  const config = world.configure({ change: rules() });
  await world.start();
  await allMeasured(world, 2);
  const token = await makeToken(world, 'Vulcan NOC', 'operator', '--operator', 'vulcan');
  await world.sim.fault('vulcan', 'http_503');
  const late = await send(world, 'POST', 'maintenance', { token, body: { reason: 'awaria', until: '+1h' } });
  assert.deepEqual([late.status, late.json().state, late.json().next.agreed], [201, 'late', false], late.text);
  await until('it is an incident all the same', async () => (await incidents(world)).length > 0, 180);
  const past = await send(world, 'POST', 'maintenance', { token, body: { reason: 'awaria', from: '-1h', until: '+1h' } });
  assert.deepEqual([past.status, past.json().error.field], [400, 'from']);
  const weekly = await dyzurny('maintenance', '-c', config, 'add', 'vulcan/lublin', '--reason', 'co tydzień', '--days', 'sat,sun', '--at', '02:30', '--minutes', '90');
  assert.equal(weekly.code, 0, weekly.err);
  const { maintenance: [found] } = await api(world, 'maintenance?operator=vulcan');
  assert.deepEqual([found.days, found.at, found.minutes, found.deployment, found.next.until - found.next.from],
    [['sat', 'sun'], '02:30', 90, 'lublin', 5400]);
  const afterwards = await dyzurny('maintenance', '-c', config, 'add', 'vulcan', '--reason', 'uzgodnione', '--from', '-1h', '--until', '+1h');
  assert.equal(afterwards.code, 0, afterwards.err);
  await until('what staff say counts', async () => (await world.status()).operators.find((one) => one.name === 'vulcan').state === 'maintenance');
  const bad = await dyzurny('maintenance', '-c', config, 'add', 'vulcan', '--reason', 'x', '--until', 'jutro');
  assert.equal(bad.code, 1);
  assert.match(bad.err, /until/);
  assert.equal((await dyzurny('maintenance', '-c', config, 'add', 'vulcan')).code, 1);
  assert.equal((await dyzurny('maintenance', '-c', config, 'frobnicate')).code, 2);
});

scenario('a silence hides what happens until it ends, over a kill, and no longer', async (world) => {
  const config = world.configure({ change: rules() });
  await world.start();
  await allMeasured(world, 2);
  const token = await makeToken(world, 'Anna', 'staff');
  const made = await send(world, 'POST', 'silences', {
    token, body: { operator: 'vulcan', transaction: 'login', reason: 'ćwiczenia', until: '+1h' },
  });
  assert.deepEqual([made.status, made.json().state], [201, 'active'], made.text);
  await world.sim.fault('vulcan', 'http_503');
  const [hidden] = await until('it opens', async () => {
    const all = await incidents(world);
    return all.length > 0 && all[0].silence && all;
  }, 180);
  await until('that is written', async () => (await api(world, `incidents/${hidden.number}`)).timeline.some((entry) => entry.kind === 'silenced'));
  assert.deepEqual([hidden.untold, hidden.silence], [true, made.json().id]);
  await world.daemons.at(-1).stop('SIGKILL');
  await world.start();
  await until('it is there after the kill', async () => {
    const [one] = await incidents(world);
    return one.state === 'open' && one.untold && one.blind_s > 0;
  });
  assert.deepEqual(told(world, 'incident.opened'), []);
  const shown = (await api(world, `incidents/${hidden.number}`)).timeline.find((entry) => entry.kind === 'silenced');
  assert.deepEqual([shown.by, shown.data.reason], ['Anna', 'ćwiczenia']);
  assert.match(shown.text_pl, /ćwiczenia/);
  assert.match(shown.text_en, /ćwiczenia/);

  const ended = await dyzurny('silences', '-c', config, 'end', String(made.json().id));
  assert.equal(ended.code, 0, ended.err);
  const [first] = await until('now it is told', () => told(world, 'incident.opened').length > 0 && told(world, 'incident.opened'));
  assert.equal(first.data.number, hidden.number);
  await world.sim.clear('vulcan');
  await until('and its end', () => told(world, 'incident.resolved').length > 0, 180);
  assert.equal(told(world, 'incident.opened').length, 1);
  const kinds = (await api(world, `incidents/${hidden.number}`)).timeline.map((entry) => entry.kind)
    .filter((kind) => kind !== 'delivery' && kind !== 'affected' && kind !== 'updated');
  assert.deepEqual(kinds, ['detected', 'silenced', 'blind', 'silence_over', 'resolved']);
});
