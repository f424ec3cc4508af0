// The simulated operators as a client by hand sees them: what a right client
// does succeeds, and each cookie, token and order of steps that the real
// system would check is checked.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { startSim } from "../lib/sim.mjs";
import { Browser, between, form, hidden, multipart } from "./browser.mjs";

let sim;
let count = 0;

before(async () => {
  sim = await startSim({ args: ["--seed", "7"] });
  for (const name of Object.keys(sim.ports))
    await sim.capacity(name, 100000);
});

beforeEach(async () => {
  await sim.clear();
  await sim.reset();
});

after(async () => {
  assert.equal(await sim.stop(), 0, "the simulator ends cleanly");
});

const mark = () => `znak-${process.pid}-${++count}`;
const browser = (operator) => new Browser(sim, operator);
const base64 = (text) => Buffer.from(text).toString("base64");

// ---- Librus ----

const SYNERGIA = "https://synergia.librus.pl";
const OAUTH = "https://api.librus.pl/OAuth/Authorization?client_id=46";

async function librusLogin(name, { password, encode = form } = {}) {
  const b = browser("librus");
  const account = sim.accounts[name];
  const page = await b.get(`${SYNERGIA}/loguj/portalRodzina`);
  assert.equal(page.status, 200);
  assert.match(page.text, /name="pass"/);
  const fields = {
    action: "login",
    login: account.user,
    pass: password ?? account.password,
  };
  const encoded = encode(fields);
  b.answer = await b.exchange(
    "POST",
    OAUTH,
    typeof encoded === "string" ? { body: encoded } : encoded,
  );
  return b;
}

async function librus(name, options) {
  const b = await librusLogin(name, options);
  assert.equal(b.answer.json.status, "ok");
  const end = await b.get(`https://api.librus.pl${b.answer.json.goTo}`);
  assert.match(end.text, /jesteś zalogowany/);
  assert.equal(end.hops, 3);
  return b;
}

test("librus: login by all hops, marks as JSON and as HTML, logout", async () => {
  const b = await librus("librus-a");
  const info = await b.get(`${SYNERGIA}/gateway/api/2.0/Auth/TokenInfo`);
  assert.equal(info.json.UserIdentifier, sim.accounts["librus-a"].mailbox);
  const me = await b.get(`${SYNERGIA}/gateway/api/2.0/Me`);
  assert.equal(me.json.Me.Account.Login, "1000001u");
  const grades = await b.get(`${SYNERGIA}/gateway/api/2.0/Grades`);
  assert.ok(grades.json.Grades.some((g) => g.Id === 90101));
  const page = await b.get(`${SYNERGIA}/przegladaj_oceny/uczen`);
  assert.match(page.text, /href="\/przegladaj_oceny\/szczegoly\/90101"/);
  const out = await b.get(`${SYNERGIA}/wyloguj`);
  assert.doesNotMatch(out.text, /jesteś zalogowany/);
  const after_ = await b.get(`${SYNERGIA}/przegladaj_oceny/uczen`);
  assert.match(after_.text, /<h2 class="inside">Brak dostępu/);
});

test("librus: credentials may come as multipart", async () => {
  await librus("librus-b", { encode: multipart });
});

test("librus: a wrong password is told as documented", async () => {
  const b = await librusLogin("librus-a", { password: "nie" });
  assert.notEqual(b.answer.status, 200);
  assert.equal(
    b.answer.json.errors[0].message,
    "Nieprawidłowy login i/lub hasło.",
  );
});

test("librus: steps out of order and foreign states lead to no session", async () => {
  const early = browser("librus");
  await early.get(`${SYNERGIA}/loguj/portalRodzina`);
  const grant = await early.get(
    "https://api.librus.pl/OAuth/Authorization/Grant?client_id=46",
  );
  assert.match(grant.text, /name="pass"/);

  const b = await librusLogin("librus-a");
  b.jar.set("oauth_state", "0".repeat(32), "synergia.librus.pl");
  const end = await b.get(`https://api.librus.pl${b.answer.json.goTo}`);
  assert.doesNotMatch(end.text, /jesteś zalogowany/);
  assert.equal(b.jar.get("DZIENNIKSID", "synergia.librus.pl"), undefined);

  const cold = browser("librus");
  const answer = await cold.exchange("POST", OAUTH, {
    body: form({ action: "login", login: "1000001u", pass: "Haslo-Librus-1" }),
  });
  assert.match(answer.text, /<form/);
});

test("librus: a code is good once", async () => {
  const b = await librusLogin("librus-a");
  let at = `https://api.librus.pl${b.answer.json.goTo}`;
  for (let i = 0; i < 3; i++)
    at = (await b.exchange("GET", at)).headers.location;
  assert.match(at, /portalRodzina\?code=/);
  const state = b.jar.get("oauth_state");
  await b.get(at);
  b.jar.set("oauth_state", state, "synergia.librus.pl");
  const again = await b.exchange("GET", at);
  assert.equal(again.headers.location, `${SYNERGIA}/loguj`);
});

test("librus: the gateway wants all three cookies", async () => {
  const b = await librus("librus-a");
  for (const name of ["oauth_token", "SDZIENNIKSID", "DZIENNIKSID"]) {
    b.jar.drop(name, "synergia.librus.pl");
    const grades = await b.get(`${SYNERGIA}/gateway/api/2.0/Grades`);
    assert.equal(grades.status, 401);
  }
});

for (const way of ["form 1", "form 2"])
  test(`librus: old messages by ${way}`, async () => {
    const [a, b] = [await librus("librus-a"), await librus("librus-b")];
    const temat = mark();
    const page = await a.get(`${SYNERGIA}/wiadomosci/2/5`);
    const csrf = between(page.text, 'var csrfTokenValue = "', '"');
    const ask = {
      typAdresata: "nauczyciel",
      poprzednia: 5,
      tabZaznaczonych: "",
      czyWirtualneKlasy: false,
      idGrupy: 0,
    };
    const refused = await a.post(`${SYNERGIA}/getRecipients`, ask, {
      requestkey: "0",
    });
    assert.equal(refused.status, 403);
    const list = await a.post(`${SYNERGIA}/getRecipients`, ask, {
      requestkey: csrf,
    });
    const id = sim.accounts["librus-b"].id;
    assert.match(list.text, new RegExp(`name="DoKogo\\[\\]" value="${id}"`));
    const sent = await (way === "form 1"
      ? a.post(`${SYNERGIA}/wiadomosci/1/6`, {
          filtrUzytkownikow: 0,
          idPojemnika: "",
          DoKogo: id,
          Rodzaj: 0,
          temat,
          tresc: "Zażółć gęślą jaźń",
          poprzednia: 5,
          fileStorageIdentifier: "",
          wyslij: "Wyślij",
        })
      : a.post(`${SYNERGIA}/wiadomosci/5`, {
          DoKogo: id,
          temat,
          tresc: "Zażółć gęślą jaźń",
          poprzednia: 6,
          wyslij: "Wyślij",
        }));
    assert.match(sent.text, /Wiadomość została wysłana\./);
    const box = await b.post(`${SYNERGIA}/wiadomosci/1/5`, {
      numer_strony105: 0,
      porcjowanie_pojemnik105: 105,
    });
    const link = new RegExp(`/wiadomosci/1/5/(\\d+)/f0">${temat}<`);
    const number = link.exec(box.text)[1];
    const read = await b.get(`${SYNERGIA}/wiadomosci/1/5/${number}/f0`);
    assert.match(read.text, /container-message-content">Zażółć gęślą jaźń/);
    const mine = await a.get(`${SYNERGIA}/wiadomosci/6`);
    assert.match(mine.text, new RegExp(temat));
    assert.doesNotMatch(mine.text, /<td>NIE<\/td>/);
    const gone = await b.post(`${SYNERGIA}/wiadomosci`, {
      tak: "Tak",
      id: 1,
      Wid: number,
      poprzednia: 6,
    });
    assert.match(gone.text, /class="green container"/);
    const empty = await b.get(`${SYNERGIA}/wiadomosci/5`);
    assert.match(empty.text, /Brak wiadomości/);
  });

test("librus: an unknown recipient is not sent to", async () => {
  const a = await librus("librus-a");
  const sent = await a.post(`${SYNERGIA}/wiadomosci/5`, {
    DoKogo: "99",
    temat: "x",
    tresc: "y",
    poprzednia: 6,
    wyslij: "Wyślij",
  });
  assert.match(sent.text, /Wiadomość nie została wysłana\./);
});

test("librus: the JSON messages by their own session", async () => {
  const MAIL = "https://wiadomosci.librus.pl/api";
  const [a, b] = [await librus("librus-a"), await librus("librus-b")];
  assert.equal((await a.get(`${MAIL}/me`)).status, 401);
  for (const one of [a, b]) {
    const app = await one.get(`${SYNERGIA}/wiadomosci3`);
    assert.equal(app.hops, 3);
    assert.match(app.text, /id="root"/);
  }
  const topic = mark();
  const letter = (accountId) => ({
    receivers: { schoolReceivers: [{ accountId }] },
    topic: base64(topic),
    content: base64("Dzień dobry"),
    storageId: null,
    category: "normal",
  });
  const wrong = await a.postJson(`${MAIL}/messages`, letter("1"));
  assert.equal(wrong.status, 422);
  const { mailbox } = sim.accounts["librus-b"];
  const sent = await a.postJson(`${MAIL}/messages`, letter(mailbox));
  assert.equal(sent.status, 201);
  assert.equal(sent.json.data.status, "sent");
  const box = await b.get(`${MAIL}/inbox/messages?page=1&limit=50`);
  assert.equal(box.json.data[0].topic, topic);
  assert.equal(box.json.data[0].readDate, null);
  const id = box.json.data[0].messageId;
  const read = await b.get(`${MAIL}/inbox/messages/${id}`);
  const xml = Buffer.from(read.json.data.Message, "base64").toString();
  assert.equal(
    xml,
    "<Message><Content><![CDATA[Dzień dobry]]></Content></Message>",
  );
  await b.get(`${SYNERGIA}/wyloguj`);
  assert.equal((await b.get(`${MAIL}/me`)).status, 401);
});

// ---- Vulcan ----

const cufs = (symbol) => `https://cufs.vulcan.net.pl/${symbol}`;

async function vulcanPassword(symbol, which, password) {
  const b = browser("vulcan");
  const account = sim.accounts[`vulcan-${symbol}-${which}`];
  const realm = encodeURIComponent(
    `https://uonetplus.vulcan.net.pl/${symbol}/LoginEndpoint.aspx`,
  );
  const back = encodeURIComponent(
    `/${symbol}/FS/LS?wa=wsignin1.0&wtrealm=${realm}&wctx=${realm}`,
  );
  b.page = await b.post(`${cufs(symbol)}/Account/LogOn?ReturnUrl=${back}`, {
    LoginName: account.user,
    Password: password ?? account.password,
  });
  return b;
}

const action = (page) => /action="([^"]*)"/.exec(page.text)[1];

async function vulcan(symbol, which) {
  const b = await vulcanPassword(symbol, which);
  assert.match(b.page.text, /<title>Working\.\.\.</);
  assert.ok(b.page.bytes.length > 6000 && b.page.bytes.length < 9500);
  const start = await b.post(action(b.page), hidden(b.page.text));
  assert.match(start.text, /<title>Uonet\+</);
  return b;
}

async function vulcanModule(b, address) {
  const working = await b.get(address);
  const page = await b.post(action(working), hidden(working.text), {
    Referer: "https://uonetplus.vulcan.net.pl/",
  });
  return {
    "X-V-RequestVerificationToken": between(
      page.text,
      "antiForgeryToken: '",
      "'",
    ),
    "X-V-AppGuid": between(page.text, "appGuid: '", "'"),
    "X-V-AppVersion": between(page.text, " version: '", "'"),
  };
}

test("vulcan: login, the pupil's module and marks", async () => {
  const b = await vulcan("gdansk", "a");
  const uczen = "https://uonetplus-uczen.vulcan.net.pl/gdansk/123456";
  const headers = await vulcanModule(b, `${uczen}/LoginEndpoint.aspx`);
  const bare = await b.postJson(`${uczen}/UczenCache.mvc/Get`, {});
  assert.equal(bare.status, 200);
  assert.equal(bare.json.success, false);
  const diary = await b.postJson(`${uczen}/UczenDziennik.mvc/Get`, {}, headers);
  const pupil = diary.json.data[0];
  const okres = pupil.Okresy[1].Id;
  const ask = () =>
    b.postJson(`${uczen}/Oceny.mvc/Get`, { okres }, headers);
  assert.equal((await ask()).json.success, false);
  const host = "uonetplus-uczen.vulcan.net.pl";
  b.jar.set("idBiezacyDziennik", pupil.IdDziennik, host);
  b.jar.set("idBiezacyUczen", pupil.IdUczen, host);
  b.jar.set("idBiezacyDziennikPrzedszkole", 0, host);
  b.jar.set("biezacyRokSzkolny", pupil.DziennikRokSzkolny, host);
  const grades = await ask();
  assert.equal(grades.json.success, true);
  assert.ok(grades.json.data.Oceny.some((s) => s.Przedmiot === "Fizyka"));
  const cache = await b.postJson(`${uczen}/UczenCache.mvc/Get`, {}, headers);
  assert.equal(cache.json.success, true);
  const out = await b.get(`${uczen}/LoginEndpoint.aspx?logout=true`);
  assert.match(out.text, /wylogowanie/);
  b.jar.drop("EfebSsoAuthCookie");
  const after_ = await b.postJson(`${uczen}/UczenDziennik.mvc/Get`, {}, headers);
  assert.match(after_.json.feedback.Message, /Brak uprawnień/);
});

test("vulcan: a wrong password shows the form with its message", async () => {
  const b = await vulcanPassword("lublin", "a", "nie");
  assert.equal(b.page.status, 200);
  assert.match(b.page.text, /Zła nazwa użytkownika lub hasło/);
  assert.match(b.page.text, /name="LoginName"/);
});

test("vulcan: a token that was changed, moved or not unescaped is refused", async () => {
  const b = await vulcanPassword("gdansk", "a");
  const right = hidden(b.page.text);
  const refused = async (address, fields) => {
    const page = await b.post(address, fields);
    assert.match(page.text, /<title>Błąd</);
  };
  const here = action(b.page);
  await refused(here, {
    ...right,
    wresult: right.wresult.replace("unit", "unlt"),
  });
  await refused(here, { ...right, wresult: between(b.page.text,
    'name="wresult" value="', '">') });
  await refused(here, { wresult: right.wresult });
  await refused(here.replace("gdansk", "lublin"), right);
  const start = await b.post(here, right);
  assert.match(start.text, /wyloguj/);
});

test("vulcan: federation without the provider's cookie asks to log in", async () => {
  const b = browser("vulcan");
  const page = await b.get("https://uonetplus-uzytkownik.vulcan.net.pl/kielce/");
  assert.match(page.text, /name="LoginName"/);
  const door = await b.get("https://uonetplus.vulcan.net.pl/kielce/");
  assert.match(door.text, /class="loginButton"/);
  const nowhere = await b.get("https://uonetplus.vulcan.net.pl/radom/");
  assert.match(nowhere.text, /Podany identyfikator klienta jest niepoprawny/);
});

test("vulcan: a message goes from one account to the other", async () => {
  const mail = "https://uonetplus-uzytkownik.vulcan.net.pl/kielce";
  const [a, b] = [await vulcan("kielce", "a"), await vulcan("kielce", "b")];
  const headers = await vulcanModule(a, `${mail}/LoginEndpoint.aspx`);
  const theirs = await vulcanModule(b, `${mail}/LoginEndpoint.aspx`);
  const units = await a.get(`${mail}/NowaWiadomosc.mvc/GetJednostkiUzytkownika`);
  const unit = units.json.data[0].IdJednostkaSprawozdawcza;
  const people = await a.get(
    `${mail}/Adresaci.mvc/GetAdresaci?IdJednostkaSprawozdawcza=${unit}&Rola=2`,
  );
  const byId = (name) =>
    people.json.data.find((p) => p.Id === sim.accounts[name].id);
  const Temat = mark();
  const letter = (more) => ({
    incomming: {
      Adresaci: [{ ...byId("vulcan-kielce-b"), ...more }],
      Id: 0,
      Nadawca: byId("vulcan-kielce-a"),
      Temat,
      Tresc: "Dzień dobry",
    },
  });
  const insert = (value, h) =>
    a.postJson(`${mail}/NowaWiadomosc.mvc/InsertWiadomosc`, value, h);
  assert.equal((await insert(letter())).json.success, false);
  assert.equal((await insert(letter({ Hash: "x" }), headers)).json.success, false);
  const sent = await insert(letter(), headers);
  assert.equal(sent.json.success, true);
  const box = await b.get(`${mail}/Wiadomosc.mvc/GetWiadomosciOdebrane`);
  const row = box.json.data.find((m) => m.Temat === Temat);
  assert.equal(row.Nieprzeczytana, true);
  const body = await b.post(`${mail}/Wiadomosc.mvc/GetTrescWiadomosci`, {
    idWiadomosc: row.IdWiadomosci,
    Folder: 1,
    Nieprzeczytana: true,
    idWiadomoscAdresat: row.Id,
  });
  assert.equal(body.json.data.Tresc, "Dzień dobry");
  const remove = (h) =>
    b.postJson(
      `${mail}/Wiadomosc.mvc/UsunWiadomosc`,
      [{ Id: row.IdWiadomosci, Folder: 1 }],
      h,
    );
  assert.equal((await remove()).json.success, false);
  assert.equal((await remove(theirs)).json.success, true);
  const empty = await b.get(`${mail}/Wiadomosc.mvc/GetWiadomosciOdebrane`);
  assert.deepEqual(empty.json.data, []);
});
