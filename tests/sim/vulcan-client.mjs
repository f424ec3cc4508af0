// What the tests of Vulcan's simulator share: a client by hand for each of its
// logins, and what pages have in common.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { after, before, beforeEach } from "node:test";

import { startSim } from "../lib/sim.mjs";
import { Browser, between, unescapeHtml } from "./browser.mjs";

export let sim;

/** A simulator for all tests of a file. */
export function simulate() {
  before(async () => {
    sim = await startSim({ args: ["--seed", "7"] });
    await sim.capacity("vulcan", 100000);
  });

  beforeEach(async () => {
    await sim.clear();
    await sim.reset();
  });

  after(async () => {
    assert.equal(await sim.stop(), 0, "the simulator ends cleanly");
  });
}

export const account = (symbol, which) => sim.accounts[`vulcan-${symbol}-${which}`];
export const mark = () => `znak-${crypto.randomUUID()}`;

/** All hidden inputs of a page, in whatever order their attributes are. */
export function hidden(page) {
  const fields = {};
  // attribute values may hold a raw greater-than
  for (const [input] of page.matchAll(/<input(?:\s[\w-]+="[^"]*")*>/g)) {
    const attribute = (name) =>
      new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1];
    if (attribute("type") === "hidden" && attribute("name") !== undefined)
      fields[attribute("name")] = unescapeHtml(attribute("value") ?? "");
  }
  return fields;
}

export function actionOf(page) {
  const found = /<form[^>]* action="([^"]*)"/.exec(page.text);
  return found && new URL(unescapeHtml(found[1]), page.url).href;
}

/** Posts automatic forms until there is none; `forms` counts them. */
export async function follow(b, page) {
  let forms = 0;
  for (; hidden(page.text).wresult !== undefined; forms++) {
    assert.ok(forms < 8, "too many forms");
    page = await b.post(actionOf(page), hidden(page.text));
  }
  page.forms = forms;
  return page;
}

export const vparam = (page) => ({
  "X-V-RequestVerificationToken": between(page.text, "antiForgeryToken: '", "'"),
  "X-V-AppGuid": between(page.text, "appGuid: '", "'"),
  "X-V-AppVersion": between(page.text, "version: '", "'"),
});

export const cufs = (symbol) => `https://cufs.vulcan.net.pl/${symbol}`;
export const entry = (symbol) =>
  `https://uonetplus.vulcan.net.pl/${symbol}/LoginEndpoint.aspx`;
export const PUPIL = "https://uonetplus-uczen.vulcan.net.pl/gdansk/123456";
export const MAIL = "https://uonetplus-uzytkownik.vulcan.net.pl/gdansk";

export function logon(b, symbol, who, realm, context = realm) {
  const back =
    `/${symbol}/FS/LS?wa=wsignin1.0&wtrealm=${encodeURIComponent(realm)}` +
    `&wctx=${encodeURIComponent(context)}`;
  return b.post(
    `${cufs(symbol)}/Account/LogOn?ReturnUrl=${encodeURIComponent(back)}`,
    { LoginName: who.user, Password: who.password },
  );
}

export async function start(symbol, which) {
  const b = new Browser(sim, "vulcan");
  const page = await logon(b, symbol, account(symbol, which), entry(symbol));
  b.page = await follow(b, page);
  assert.match(b.page.text, /<title>Uonet\+</);
  return b;
}

/** The work that the login form asks for. */
export function solve(page) {
  const [, challenge, difficulty, rounds] =
    /class="captcha-wrapper" data-challenge="([^"]+)" data-difficulty="(\d+)" data-rounds="(\d+)"/
      .exec(page.text);
  const nonces = [];
  for (let buffer = challenge; nonces.length < rounds; buffer += nonces.at(-1)) {
    let nonce = 1;
    while (crypto.createHash("sha256").update(buffer + nonce).digest()
      .readUInt32BE() >= difficulty) nonce++;
    nonces.push(nonce);
  }
  return nonces.join(";");
}

export const gate = (symbol) => `https://dziennik-logowanie.vulcan.net.pl/${symbol}`;
export const uczen = (symbol) => `https://dziennik-uczen.vulcan.net.pl/${symbol}`;

export async function dziennik(symbol, which, change = {}) {
  const b = new Browser(sim, "vulcan");
  const who = account(symbol, which);
  const form = await b.get(`${uczen(symbol)}/Account/Login`);
  assert.equal(form.url.host, "dziennik-logowanie.vulcan.net.pl");
  const fields = { ...hidden(form.text), Login: who.user, Haslo: who.password };
  fields["captcha-response"] = solve(form);
  b.page = await b.post(actionOf(form), { ...fields, ...change });
  b.form = { form, fields };
  return b;
}

export const EDU = "https://eduvulcan.pl";

export async function eduForm(who) {
  const b = new Browser(sim, "vulcan");
  const query = await b.post(`${EDU}/Account/QueryUserInfo`,
    { UserName: who.user });
  b.page = await b.get(`${EDU}/logowanie`);
  const asked = b.page.text.includes("data-challenge");
  assert.equal(query.json.data.ShowCaptcha, asked);
  b.fields = {
    UserName: who.user,
    Password: who.password,
    "captcha-response": asked ? solve(b.page) : "",
    __RequestVerificationToken: hidden(b.page.text).__RequestVerificationToken,
  };
  b.logon = (more) => b.exchange("POST", `${EDU}/logowanie`, {
    body: new URLSearchParams({ ...b.fields, ...more }).toString(),
  });
  return b;
}

export async function edu(symbol, which) {
  const b = await eduForm(account(symbol, which));
  const answer = await b.logon();
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.location, "/");
  return b;
}

export async function app(b, address) {
  const page = await follow(b, await b.get(address));
  return { page, headers: vparam(page) };
}
