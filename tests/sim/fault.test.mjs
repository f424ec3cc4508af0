// The control port, and what each fault looks like from outside.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import tls from "node:tls";
import { gunzipSync } from "node:zlib";

import { startSim } from "../lib/sim.mjs";
import { Browser } from "./browser.mjs";

const SP1 = "https://sp1.mobidziennik.pl/dziennik";
let sim;

before(async () => {
  sim = await startSim();
  for (const name of Object.keys(sim.ports))
    await sim.capacity(name, 100000);
});

beforeEach(async () => {
  await sim.clear();
  await sim.reset();
});

after(async () => assert.equal(await sim.stop(), 0));

async function wizja(name = "wizja-sp1-a") {
  const b = new Browser(sim, "wizja");
  const { user, password } = sim.accounts[name];
  b.page = await b.post(SP1, { login: user, haslo: password });
  return b;
}

const send = (b, nazwa) =>
  b.post(`${SP1}/dodajwiadomosc`, {
    nazwa,
    tresc: "x",
    "odbiorcy[]": sim.accounts["wizja-sp1-b"].id,
  });

const inbox = async (b) =>
  [...(await b.get(`${SP1}/wiadomosci`)).text.matchAll(/ rel="\d+"><td>(\w+)/g)]
    .map((match) => match[1]);

/** Asks again until `wanted` holds; the runner's own limit ends it. */
async function until(wanted) {
  while (!(await wanted())) await new Promise(setImmediate);
}

test("the control port names the field that is wrong", async () => {
  const wrong = async (path, order, field) => {
    const answer = await sim.order("POST", path, order);
    assert.equal(answer.status, 400);
    assert.equal(answer.body.error.field, field);
  };
  await wrong("/fault", { operator: "wizja", kind: "x" }, "kind");
  await wrong("/fault", { operator: "x", kind: "hang" }, "operator");
  await wrong("/fault", { kind: "hang" }, "operator");
  const hang = { operator: "wizja", kind: "hang" };
  await wrong("/fault", { ...hang, share: 2 }, "share");
  await wrong("/fault", { ...hang, count: 0 }, "count");
  await wrong("/fault", { ...hang, delay_ms: "1" }, "delay_ms");
  await wrong("/fault", { ...hang, deployment: "x" }, "deployment");
  await wrong("/fault", { ...hang, transaction: "x" }, "transaction");
  await wrong("/fault", { ...hang, variant: "x" }, "variant");
  await wrong("/fault", { ...hang, at: "x".repeat(200) }, "at");
  const waf = { operator: "librus", kind: "waf_page" };
  await wrong("/fault", { ...waf, variant: "x" }, "variant");
  await wrong("/fault", { ...waf, variant: 1 }, "variant");
  await wrong("/load", { operator: "wizja" }, "requests_per_s");
  await wrong("/capacity", { operator: "wizja", requests_per_s: 0 },
    "requests_per_s");
  await wrong("/capacity", { operator: "wizja", requests_per_s: 9, servers: 99 },
    "servers");
  await wrong("/fault", { ...hang, delay_s: 1 }, "delay_s");
  await wrong("/load", { operator: "wizja", requests_per_s: 1, servers: 1 },
    "servers");
  await wrong("/clear", { operator: "wizja", kind: "hang" }, "kind");
  await wrong("/reset", { x: 1 }, "x");
  await wrong("/reset", [], "body");
  await wrong("/clock", {}, "forward_s");
  await wrong("/clock", { forward_s: -1 }, "forward_s");
  assert.equal((await sim.order("GET", "/x")).status, 404);
  const { operators } = await sim.state();
  assert.deepEqual(operators.wizja.faults, []);
});

test("the state counts what happened", async () => {
  const b = await wizja();
  await send(b, "a");
  await b.get(`${SP1}/oceny`);
  await new Browser(sim, "wizja").post(SP1, { login: "x", haslo: "y" });
  let state;
  await until(async () => {
    state = (await sim.state()).operators.wizja;
    return state.in_flight === 0;
  });
  assert.equal(state.logins, 1);
  assert.equal(state.login_failures, 1);
  assert.equal(state.messages_sent, 1);
  assert.equal(state.sessions, 1);
  assert.equal(state.requests, 5);
  assert.equal(state.requests_by_path_class.grades, 1);
});

const pages = {
  http_503: (page) => assert.equal(page.status, 503),
  overload_page: (page) => {
    assert.equal(page.status, 200);
    assert.match(page.text, /<h2>Problemy z wydajnością<\/h2>/);
  },
  maintenance_page: (page) => {
    assert.equal(page.status, 200);
    assert.match(page.text, /Trwają prace techniczne/);
  },
  maintenance_redirect: (page) => {
    assert.equal(page.url.pathname, "/przerwa_techniczna");
    assert.match(page.text, /przerwa techniczna/);
  },
  wrong_password_page: (page) => assert.match(page.text, /niepoprawny login/),
  account_locked: (page) => assert.match(page.text, /zablokowane/),
  captcha: (page) => assert.match(page.text, /g-recaptcha/),
  changed_flow: (page) => {
    assert.equal(page.status, 200);
    assert.doesNotMatch(page.text, /name="haslo"|id="wyloguj"/);
  },
  interstitial: (page) => assert.match(page.text, /okienko_informacyjne/),
  account_expired: (page) => assert.equal(page.text, "stare haslo"),
  waf_page: (page) => {
    assert.equal(page.status, 403);
    assert.match(page.text, /<title>Just a moment/);
  },
  wrong_address: (page) => assert.match(page.text, /Uuuups/),
  not_found: (page) => assert.equal(page.status, 404),
  too_many_requests: (page) => {
    assert.equal(page.status, 429);
    assert.equal(page.headers["retry-after"], "60");
  },
  error_page: (page) => assert.equal(page.status, 500),
};

for (const [kind, check] of Object.entries(pages))
  test(`wizja: ${kind}`, async () => {
    await sim.fault("wizja", kind);
    check((await wizja()).page);
    await sim.clear("wizja");
    assert.match((await wizja()).page.text, /id="wyloguj"/);
  });

test("faults keep to their deployment, transaction and count", async () => {
  await sim.fault("wizja", "http_503", { deployment: "lo2" });
  await sim.fault("wizja", "http_503", { transaction: "grades", count: 2 });
  const b = await wizja();
  assert.match(b.page.text, /id="wyloguj"/);
  const status = async () => (await b.get(`${SP1}/oceny`)).status;
  assert.deepEqual([await status(), await status(), await status()], [
    503, 503, 200,
  ]);
  const other = new Browser(sim, "wizja");
  const page = await other.get("https://lo2.mobidziennik.pl/dziennik");
  assert.equal(page.status, 503);
});

test("a fault may strike at one address only, and name a variant", async () => {
  await sim.fault("wizja", "maintenance_page", {
    variant: "works",
    at: "GET sp1.mobidziennik.pl/dziennik/oceny",
  });
  const { faults } = (await sim.state()).operators.wizja;
  assert.equal(faults[0].variant, "works");
  const b = await wizja();
  assert.match(b.page.text, /id="wyloguj"/);
  const page = await b.get(`${SP1}/oceny`);
  assert.match(page.text, /Trwają prace techniczne/);
  assert.doesNotMatch(page.text, /przerwa techniczna/);
});

test("each symptom of the catalogue can be switched on", async () => {
  const { body } = await sim.order("GET", "/catalogue");
  assert.deepEqual(Object.keys(body), Object.keys(sim.ports));
  for (const [operator, kinds] of Object.entries(body))
    for (const [kind, variants] of Object.entries(kinds)) {
      await sim.fault(operator, kind, { count: 1 });
      for (const variant of variants)
        await sim.fault(operator, kind, { count: 1, variant });
      await sim.clear();
    }
});

test("what a school has switched off is a module, never the login", async () => {
  await sim.fault("wizja", "feature_off");
  const b = await wizja();
  assert.match(b.page.text, /id="wyloguj"/);
  assert.match((await b.get(`${SP1}/oceny`)).text, /wyłączony/);
});

test("a share strikes some and not others", async () => {
  await sim.fault("wizja", "http_503", { share: 0.5 });
  const b = new Browser(sim, "wizja");
  let ill = 0;
  for (let i = 0; i < 60; i++) ill += (await b.get(SP1)).status === 503;
  assert.ok(ill > 10 && ill < 50, `${ill} of 60`);
});

test("session_lost shows the login form where the page was", async () => {
  const b = await wizja();
  await sim.fault("wizja", "session_lost", { count: 1 });
  assert.match((await b.get(`${SP1}/oceny`)).text, /name="haslo"/);
});

const losses = {
  session_lost_401: (page) => assert.equal(page.status, 401),
  session_lost_409: (page) => assert.equal(page.status, 409),
  session_lost_redirect: (page) => {
    assert.equal(page.url.pathname, "/dziennik");
    assert.match(page.text, /name="haslo"/);
  },
  session_lost_login_page: (page) => {
    assert.equal(page.url.pathname, "/dziennik/oceny");
    assert.match(page.text, /name="haslo"/);
  },
};

for (const [kind, check] of Object.entries(losses))
  test(`${kind} tells of it in its way, and the session is gone`, async () => {
    const b = await wizja();
    await sim.fault("wizja", kind, { count: 1 });
    check(await b.get(`${SP1}/oceny`));
    assert.match((await b.get(`${SP1}/oceny`)).text, /name="haslo"/);
  });

test("messages are lost, doubled and late", async () => {
  const [a, b] = [await wizja(), await wizja("wizja-sp1-b")];
  await sim.fault("wizja", "message_lost", { count: 1 });
  const sent = await send(a, "zgubiona");
  assert.match(sent.text, /Wiadomość została wysłana\./);
  await sim.fault("wizja", "message_twice", { count: 1 });
  await send(a, "podwojna");
  assert.deepEqual(await inbox(b), ["podwojna", "podwojna"]);
  await sim.fault("wizja", "message_late", { count: 1, delay_ms: 600_000 });
  await send(a, "spozniona");
  assert.equal((await inbox(b)).includes("spozniona"), false);
  await sim.forward(601, "wizja");
  assert.equal((await inbox(b)).includes("spozniona"), true);
});

test("slow adds its delay", async () => {
  await sim.fault("wizja", "slow", { delay_ms: 200, count: 1 });
  const start = process.hrtime.bigint();
  await new Browser(sim, "wizja").get(SP1);
  assert.ok(process.hrtime.bigint() - start >= 200_000_000n);
});

test("reset breaks the connection after the request", async () => {
  await sim.fault("wizja", "reset", { count: 1 });
  await assert.rejects(new Browser(sim, "wizja").get(SP1), {
    code: "ECONNRESET",
  });
  assert.equal((await new Browser(sim, "wizja").get(SP1)).status, 200);
});

test("truncate ends in the middle of the body", async () => {
  await sim.fault("wizja", "truncate", { count: 1 });
  await assert.rejects(new Browser(sim, "wizja").get(SP1));
});

test("refuse closes the listener and clear opens it again", async () => {
  await sim.fault("wizja", "refuse");
  const refused = async () => {
    const socket = net.connect(sim.ports.wizja, "127.0.0.1");
    const [error] = await Promise.race([
      once(socket, "connect").then(() => []),
      new Promise((resolve) => socket.once("error", (e) => resolve([e]))),
    ]);
    socket.destroy();
    return error?.code === "ECONNREFUSED";
  };
  await until(refused);
  await sim.clear();
  await until(async () => !(await refused()));
  assert.equal((await new Browser(sim, "wizja").get(SP1)).status, 200);
});

test("a redirect loop never comes to an end", async () => {
  await sim.fault("wizja", "redirect_loop");
  await assert.rejects(new Browser(sim, "wizja").get(SP1), /redirect loop/);
});

test("a gzip bomb unpacks to 64 MB", async () => {
  await sim.fault("wizja", "gzip_bomb", { count: 1 });
  const page = await new Browser(sim, "wizja").get(SP1);
  assert.equal(page.headers["content-encoding"], "gzip");
  assert.ok(page.bytes.length < 1 << 20);
  const unpacked = gunzipSync(page.bytes);
  assert.ok(unpacked.length > 64e6);
});

/** A raw request whose answer is read as far as wanted. */
async function raw(server, operator, host, path) {
  const socket = tls.connect({
    host: "127.0.0.1",
    port: server.ports[operator],
    servername: host,
    ca: server.ca,
  });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return socket;
}

const rawForm = () => raw(sim, "wizja", "sp1.mobidziennik.pl", "/dziennik");

test("a huge body goes on and on in chunks", async () => {
  await sim.fault("wizja", "huge_body");
  const socket = await rawForm();
  let seen = 0;
  let head = "";
  for await (const piece of socket) {
    if (seen === 0) head = piece.toString("latin1");
    seen += piece.length;
    if (seen > 5e6) break;
  }
  assert.match(head, /Transfer-Encoding: chunked/i);
});

test("hang says nothing until its client has gone", async () => {
  await sim.fault("wizja", "hang", { count: 1 });
  const socket = await rawForm();
  const flying = async () => (await sim.state()).operators.wizja.in_flight;
  await until(async () => (await flying()) === 1);
  assert.equal(socket.read(), null);
  socket.destroy();
  await until(async () => (await flying()) === 0);
});

test("trickle sends the body byte by byte", async () => {
  await sim.fault("wizja", "trickle", { count: 1 });
  const socket = await rawForm();
  let text = "";
  for await (const piece of socket) {
    text += piece.toString("latin1");
    const body = text.split("\r\n\r\n")[1] ?? "";
    if (body.length >= 2) {
      assert.ok(body.length < 10);
      break;
    }
  }
  assert.match(text, /Content-Length: \d{3}/);
});

test("too much load gives the operator's own symptom and passes", async () => {
  await sim.capacity("librus", 50, { limit_s: 0.2, servers: 1 });
  await sim.load("librus", 5000);
  const b = new Browser(sim, "librus");
  const door = "https://synergia.librus.pl/loguj/portalRodzina";
  await until(async () => (await b.exchange("GET", door)).status === 503);
  await sim.load("librus", 0);
  await until(async () => (await b.exchange("GET", door)).status === 302);
});

test("vulcan: one city may be down while the others work", async () => {
  await sim.fault("vulcan", "http_503", { deployment: "lublin" });
  const b = new Browser(sim, "vulcan");
  const status = async (symbol) =>
    (await b.get(`https://uonetplus.vulcan.net.pl/${symbol}/`)).status;
  assert.equal(await status("lublin"), 503);
  assert.equal(await status("gdansk"), 200);
});

test("a log that it is given is its own, and not held open here", async () => {
  const log = path.join(sim.dir, "sim.log");
  const other = await startSim({ dir: sim.dir, log });
  const held = readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === log;
    } catch {
      return false; // closed meanwhile
    }
  });
  const theirs = readlinkSync(`/proc/${other.pid}/fd/2`);
  assert.equal(await other.stop(), 0);
  assert.equal(theirs, log);
  assert.deepEqual(held, []);
});

test("it ends cleanly with answers under way", async () => {
  const other = await startSim({ dir: sim.dir });
  await other.fault("helion", "hang");
  const socket = await raw(
    other,
    "helion",
    "dziennik.helion.example",
    "/login.aspx",
  );
  await until(
    async () => (await other.state()).operators.helion.in_flight === 1,
  );
  assert.equal(await other.stop(), 0);
  socket.destroy();
});

test("a week is played once and a surge overloads its operator", async () => {
  const week = await startSim({
    dir: sim.dir,
    args: ["--week", "4", "--surge", "vulcan"],
  });
  let most = 0;
  let calm = 0;
  await until(async () => {
    const state = await week.state();
    const { vulcan, helion } = state.operators;
    most = Math.max(most, vulcan.load / vulcan.capacity);
    calm = Math.max(calm, helion.load / helion.capacity);
    return state.week.over;
  });
  assert.ok(most > 1.5, `${most}`);
  assert.ok(calm < 0.9, `${calm}`);
  await until(async () => {
    const { vulcan } = (await week.state()).operators;
    return vulcan.load < 0.1 * vulcan.capacity;
  });
  assert.equal(await week.stop(), 0);
});
