// Helion and Eszkola24, whose protocols are assumed: what a right client does
// succeeds, and each token, hidden field, cookie and order of steps that such
// systems check is checked.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { startSim } from "../lib/sim.mjs";
import { Browser, between, hidden, unescapeHtml } from "./browser.mjs";

let sim;
let count = 0;

before(async () => {
  sim = await startSim({ args: ["--seed", "7"] });
  for (const name of ["helion", "eszkola24"]) await sim.capacity(name, 100000);
});

beforeEach(async () => {
  await sim.clear();
  await sim.reset();
});

after(async () => {
  assert.equal(await sim.stop(), 0, "the simulator ends cleanly");
});

const mark = () => `znak-${process.pid}-${++count}`;
const read = (answer, charset) =>
  new TextDecoder(charset).decode(answer.bytes);

// ---- Helion ----

const HELION = "https://dziennik.helion.example";
const windows = (answer) => read(answer, "windows-1250");
const GUID = "6fa459ea-ee8a-4ca4-894e-db77e160355e";

async function helionForm(b, name) {
  const account = sim.accounts[name];
  const page = await b.get(`${HELION}/login.aspx`);
  return {
    ...helionHidden(page.text),
    ctl00$Tresc$TextBoxLogin: account.user,
    ctl00$Tresc$TextBoxHaslo: account.password,
    ctl00$Tresc$ButtonZaloguj: "Zaloguj",
  };
}

/** Hidden fields; their values have hexadecimal references. */
const helionHidden = (page) =>
  hidden(page.replace(/ \/>/g, ">").replace(/&#x([0-9A-F]+);/g,
    (_, hex) => `&#${parseInt(hex, 16)};`));

async function helion(name, change = (fields) => fields) {
  const b = new Browser(sim, "helion");
  const fields = await helionForm(b, name);
  b.page = await b.post(`${HELION}/login.aspx`, change(fields));
  return b;
}

const call = (b, name, value) => b.postJson(`${HELION}/${name}`, value);

test("helion: pages in windows-1250, login, marks", async () => {
  const b = new Browser(sim, "helion");
  const form = await b.get(`${HELION}/login.aspx`);
  assert.match(form.headers["content-type"], /charset=windows-1250/);
  assert.match(form.text, /__VIEWSTATE" value="[^"]*&#x(2B|2F|3D);/);
  const a = await helion("helion-a");
  assert.equal(a.page.url.pathname, "/start.aspx");
  assert.match(windows(a.page), /Zalogowany: Słoneczna Anna/);
  const idPozDziennika = Number(
    between(a.page.text, 'name="idPozDziennika" value="', '"'));
  const grades = await call(a, "Oceny.asmx/Pobierz", { idPozDziennika });
  assert.match(grades.headers["content-type"], /utf-8/);
  assert.ok(grades.json.d.Oceny.some((g) => g.Przedmiot === "Język polski"));
  const other = await helion("helion-b");
  const foreign = await call(other, "Oceny.asmx/Pobierz", { idPozDziennika });
  assert.equal(foreign.json.d.CzyJestBlad, true);
  const asForm = await a.post(`${HELION}/Oceny.asmx/Pobierz`,
    { idPozDziennika });
  assert.equal(asForm.status, 500);
  await a.get(`${HELION}/wyloguj.aspx`);
  const late = await call(a, "Oceny.asmx/Pobierz", { idPozDziennika });
  assert.equal(late.status, 401);
  const page = await a.exchange("GET", `${HELION}/start.aspx`);
  assert.match(page.headers.location, /^\/login\.aspx\?ReturnUrl=/);
});

test("helion: hidden state is that of the last form, and of this visit", async () => {
  const names = ["__VIEWSTATE", "__EVENTVALIDATION", "__VIEWSTATEGENERATOR",
    "__EVENTTARGET", "__EVENTARGUMENT", "ctl00$Tresc$ButtonZaloguj"];
  for (const name of names) {
    const b = await helion("helion-a", (fields) => {
      delete fields[name];
      return fields;
    });
    assert.equal(b.page.status, 500, name);
  }
  for (const name of names.slice(0, 3)) {
    const b = await helion("helion-a", (fields) => ({
      ...fields,
      [name]: fields[name].replace(/^./, (c) => (c === "A" ? "B" : "A")),
    }));
    assert.equal(b.page.status, 500, name);
  }
  const b = new Browser(sim, "helion");
  const old = await helionForm(b, "helion-a");
  const fresh = await helionForm(b, "helion-a");
  assert.equal((await b.post(`${HELION}/login.aspx`, old)).status, 500);
  const stranger = new Browser(sim, "helion");
  const page = await stranger.post(`${HELION}/login.aspx`, fresh);
  assert.match(page.text, /type="password"/);
  assert.equal(stranger.jar.get(".ASPXAUTH"), undefined);
  const right = await b.post(`${HELION}/login.aspx`, fresh);
  assert.equal(right.url.pathname, "/start.aspx");
});

test("helion: a refused password is told, both cookies are wanted", async () => {
  const bad = await helion("helion-a", (fields) => ({
    ...fields,
    ctl00$Tresc$TextBoxHaslo: "nie",
  }));
  assert.match(windows(bad.page),
    /id="spanErrorMessage">Nieprawidłowy login lub hasło</);
  for (const cookie of ["ASP.NET_SessionId", ".ASPXAUTH"]) {
    const b = await helion("helion-a");
    b.jar.drop(cookie);
    const list = await call(b, "Wiadomosci.asmx/PobierzOdebrane", {});
    assert.equal(list.status, 401, cookie);
  }
  const [a, b] = [await helion("helion-a"), await helion("helion-b")];
  a.jar.set("ASP.NET_SessionId", b.jar.get("ASP.NET_SessionId"),
    "dziennik.helion.example");
  const mixed = await call(a, "Wiadomosci.asmx/PobierzOdebrane", {});
  assert.equal(mixed.status, 401);
});

test("helion: a message is sent once, read, and deleted on both sides", async () => {
  const [a, b] = [await helion("helion-a"), await helion("helion-b")];
  const temat = mark();
  const letter = {
    idWiadomosci: GUID,
    odbiorcy: [sim.accounts["helion-b"].id],
    temat,
    tresc: "Dzień dobry",
  };
  for (let i = 0; i < 2; i++) {
    const sent = await call(a, "Wiadomosci.asmx/Wyslij", letter);
    assert.equal(sent.json.d.idWiadomosci, GUID);
  }
  const box = async (one, name) =>
    (await call(one, `Wiadomosci.asmx/${name}`, {})).json.d.Wiadomosci
      .map((m) => m.Temat);
  assert.deepEqual(await box(b, "PobierzOdebrane"), [temat]);
  const opened = await call(b, "Wiadomosci.asmx/PobierzWiadomosc",
    { idWiadomosci: GUID });
  assert.equal(opened.json.d.Tresc, "Dzień dobry");
  for (const wrong of [{ idWiadomosci: "1" }, { odbiorcy: [] },
    { odbiorcy: ["X"] }, { temat: "" }]) {
    const refused = await call(a, "Wiadomosci.asmx/Wyslij",
      { ...letter, ...wrong });
    assert.equal(refused.json.d.CzyJestBlad, true, JSON.stringify(wrong));
  }
  for (const one of [b, a]) {
    const gone = await call(one, "Wiadomosci.asmx/Usun",
      { idWiadomosci: GUID });
    assert.equal(gone.json.d.CzyJestBlad, false);
  }
  assert.deepEqual(await box(b, "PobierzOdebrane"), []);
  assert.deepEqual(await box(a, "PobierzWyslane"), []);
});

// ---- Eszkola24 ----

const ES24 = "https://sp7.eszkola24.example";
const latin2 = (answer) => read(answer, "iso-8859-2");

const LETTERS = new Map(
  Array.from({ length: 128 }, (_, i) => i + 128).map((byte) => [
    new TextDecoder("iso-8859-2").decode(Uint8Array.of(byte)), byte]));

/** A form as a browser posts it from a page in ISO-8859-2. */
const latin2Form = (fields) =>
  Object.entries(fields).map(([name, value]) =>
    `${encodeURIComponent(name)}=${[...String(value)].map((c) =>
      LETTERS.has(c) ? `%${LETTERS.get(c).toString(16)}`
        : encodeURIComponent(c)).join("")}`).join("&");

/** The hidden fields between the tags of one form, whatever is in between. */
function formFields(page, id) {
  const start = new RegExp(`<form id="?${id}"?[ >]`).exec(page).index;
  const part = page.slice(start, page.indexOf("</form>", start));
  return Object.fromEntries(
    [...part.matchAll(/<input type="?hidden"? name="?(\w+)"? value=(?:"([^"]*)"|'([^']*)'|(\w+))>/g)]
      .map(([, name, a, b, c]) => [name, unescapeHtml(a ?? b ?? c)]));
}

const post = (b, path, fields, encode = latin2Form) =>
  b.go("POST", `${ES24}${path}`, { body: encode(fields) });

async function es24(name, change = {}, encode = latin2Form) {
  const b = new Browser(sim, "eszkola24");
  const account = sim.accounts[name];
  const page = await b.get(`${ES24}/logowanie`);
  b.page = await post(b, "/logowanie", {
    ...formFields(latin2(page), "logowanie"),
    uzytkownik: account.user,
    haslo: account.password,
    ...change,
  }, encode);
  b.csrf = /name="_csrf" value="(\w+)"/.exec(b.page.text)?.[1];
  return b;
}

test("eszkola24: pages whose charset only the meta element tells", async () => {
  const a = await es24("eszkola24-a");
  assert.equal(a.page.headers["content-type"], "text/html");
  assert.match(a.page.text, /charset=iso-8859-2/);
  assert.ok(a.page.bytes.includes(Buffer.from([0xbf]))); // ż
  assert.match(latin2(a.page), /Zalogowany użytkownik:/);
  const grades = await a.get(`${ES24}/oceny`);
  assert.match(latin2(grades), /<td>Język polski<\/td>/);
  const out = await post(a, "/wyloguj", { _csrf: a.csrf });
  assert.match(latin2(out), /name="haslo"/);
  const late = await a.exchange("GET", `${ES24}/oceny`);
  assert.equal(late.headers.location, "/logowanie");
});

test("eszkola24: the form is cut up by a table and told by its tags", async () => {
  const page = latin2(await new Browser(sim, "eszkola24").get(
    `${ES24}/logowanie`));
  assert.match(page, /<table[^>]*><form id="logowanie"/);
  assert.match(page, /<\/tr><input type=hidden name=akcja/);
  assert.equal(page.match(/<form/g).length, 2);
  const fields = formFields(page, "logowanie");
  assert.deepEqual(Object.keys(fields), ["_csrf", "akcja"]);
  assert.equal(fields.akcja, "Logowanie użytkownika");
});

test("eszkola24: token, action and its charset are checked at login", async () => {
  const bad = await es24("eszkola24-a", { haslo: "nie" });
  assert.match(latin2(bad.page), /Błędny login lub hasło/);
  const utf8 = (fields) => new URLSearchParams(fields).toString();
  for (const b of [
    await es24("eszkola24-a", { _csrf: "0" }),
    await es24("eszkola24-a", { akcja: "Logowanie" }),
    await es24("eszkola24-a", {}, utf8),
  ]) {
    assert.equal(b.page.status, 403);
    assert.match(latin2(b.page), /Formularz wygasł/);
  }
  const [a, b] = [await es24("eszkola24-a"), await es24("eszkola24-b")];
  const foreign = await post(a, "/wyloguj", { _csrf: b.csrf });
  assert.equal(foreign.status, 403);
  const early = await new Browser(sim, "eszkola24").post(
    `${ES24}/logowanie`, { uzytkownik: "anna.sp7" });
  assert.match(latin2(early), /name="haslo"/);
});

async function compose(b, more) {
  const page = await b.get(`${ES24}/wiadomosci/nowa`);
  return {
    ...formFields(latin2(page), "nowa"),
    odbiorca: sim.accounts["eszkola24-b"].id,
    temat: mark(),
    tresc: "Zażółć gęślą jaźń",
    ...more,
  };
}

const ids = (page, temat) =>
  [...page.text.matchAll(/data-id="(\d+)">(.*?)<\/tr>/gs)]
    .filter(([, , row]) => row.includes(temat)).map(([, id]) => id);

test("eszkola24: a message is read as it was posted, deleted on both sides", async () => {
  const [a, b] = [await es24("eszkola24-a"), await es24("eszkola24-b")];
  const letter = await compose(a);
  const sent = await post(a, "/wiadomosci/wyslij", letter);
  assert.equal(sent.url.pathname, "/wiadomosci/wyslane");
  assert.match(latin2(sent), /Wiadomość została wysłana/);
  const [mine] = ids(sent, letter.temat);
  const box = await b.get(`${ES24}/wiadomosci/odebrane`);
  const [id] = ids(box, letter.temat);
  const opened = await b.get(`${ES24}/wiadomosci/odebrane/${id}`);
  assert.match(latin2(opened), /class="tresc">Zażółć gęślą jaźń</);
  for (const [one, number, folder] of [[b, id, "odebrane"],
    [a, mine, "wyslane"]]) {
    const refused = await post(one, "/wiadomosci/usun", { id: number });
    assert.equal(refused.status, 403);
    await post(one, "/wiadomosci/usun", { id: number, _csrf: one.csrf });
    const list = await one.get(`${ES24}/wiadomosci/${folder}`);
    assert.match(latin2(list), /Brak wiadomości/);
  }
});

test("eszkola24: a message form is good for one message", async () => {
  const a = await es24("eszkola24-a");
  const letter = await compose(a);
  const refused = async (change) => {
    const page = await post(a, "/wiadomosci/wyslij", { ...letter, ...change });
    assert.equal(page.status, 403, JSON.stringify(change));
  };
  await refused({ _csrf: "0" });
  await refused({ formularz: "0" });
  await refused({ formularz: "" });
  await refused({ akcja: "Wyslij wiadomosc" });
  const other = await post(a, "/wiadomosci/wyslij",
    { ...letter, odbiorca: "1" });
  assert.match(latin2(other), /Nie wypełniono pól/);
  const sent = await post(a, "/wiadomosci/wyslij", letter);
  assert.match(latin2(sent), /została wysłana/);
  await refused({});
  const list = await a.get(`${ES24}/wiadomosci/wyslane`);
  assert.equal(ids(list, letter.temat).length, 1);
});
