// Vulcan's eras as clients of them see it: what the clients of that time did
// succeeds, and what the real one would check is checked.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { test } from "node:test";

import { Browser, between, unescapeHtml } from "./browser.mjs";
import {
  EDU,
  MAIL,
  PUPIL,
  account,
  actionOf,
  app,
  dziennik,
  edu,
  eduForm,
  entry,
  follow,
  gate,
  hidden,
  logon,
  mark,
  sim,
  simulate,
  start,
  uczen,
  vparam,
} from "./vulcan-client.mjs";

simulate();

// ---- cufs: 2020 to 2024 ----

test("whoever does not know the symbol learns it from the token", async () => {
  const b = new Browser(sim, "vulcan");
  const who = account("kielce", "a");
  const page = await logon(b, "Default", who, entry("Default"));
  const fields = hidden(page.text);
  const instances = between(
    fields.wresult,
    'AttributeName="UserInstance"',
    "</saml:Attribute>",
  );
  const symbols = [...instances.matchAll(/AttributeValue>(\w+)</g)];
  assert.deepEqual(symbols.map((m) => m[1]), ["Default", "kielce"]);
  const nowhere = await b.post(actionOf(page), fields);
  assert.match(nowhere.text, /<title>Logowanie</);
  assert.match(nowhere.text, /nie został zarejestrowany w bazie szkoły/);
  // clients of 2018 left out wctx
  const { wa, wresult } = fields;
  const home = await b.post(entry("kielce"), { wa, wresult });
  assert.match(home.text, /class="panel linkownia pracownik klient"/);
  const foreign = await b.post(entry("gdansk"), fields);
  assert.match(foreign.text, /<title>Błąd</);
});

test("the start page tells schools and rights", async () => {
  const b = await start("gdansk", "a");
  const href = /<a href="([^"]*)" title="Uczeń"/.exec(b.page.text)[1];
  assert.equal(href, `${PUPIL}/`);
  const [rights, seal] = between(b.page.text, "permissions: '", "'").split("|");
  assert.ok(seal.length > 0);
  const permissions = JSON.parse(Buffer.from(rights, "base64").toString());
  assert.equal(permissions.Units[0].Symbol, "123456");
  assert.equal(permissions.AuthInfos[0].JednostkaSprawozdawczaId,
    permissions.Units[0].Id);
  const again = await b.get(
    "https://uonetplus.vulcan.net.pl/gdansk/Start.mvc/Index");
  assert.match(again.text, /<title>Uonet\+</);
});

test("the cookie of the whole domain opens the modules of 2020", async () => {
  const b = await start("gdansk", "a");
  const diary = await b.exchange("POST", `${PUPIL}/UczenDziennik.mvc/Get`);
  const slashed = await b.exchange("POST", `${PUPIL}//UczenDziennik.mvc/Get`);
  assert.deepEqual(slashed.json, diary.json);
  const pupil = diary.json.data[0];
  const host = "uonetplus-uczen.vulcan.net.pl";
  const ask = (okres) => b.postJson(`${PUPIL}/Oceny.mvc/Get`, { okres });
  const okres = pupil.Okresy[1].Id;
  assert.match((await ask(okres)).json.feedback.Message, /niespójność danych/);
  b.jar.set("idBiezacyDziennik", pupil.IdDziennik, host);
  b.jar.set("idBiezacyUczen", pupil.IdUczen, host);
  const marks = await ask(okres);
  assert.ok(marks.json.data.Oceny.some((s) => s.Przedmiot === "Fizyka"));
  b.jar.set("biezacyRokSzkolny", 1999, host);
  assert.equal((await ask(okres)).json.success, false);
  // the cache wants what the page says
  const page = await b.get(`${PUPIL}/Start`);
  const cache = (h) => b.postJson(`${PUPIL}/UczenCache.mvc/Get`, {}, h);
  assert.equal((await cache()).json.success, false);
  assert.equal((await cache(vparam(page))).json.data.czyOpiekun, true);
  const mail = await b.get(`${MAIL}/`);
  assert.ok(vparam(mail)["X-V-AppGuid"].length > 0);
  // the entry asks for a token of its own all the same
  const working = await new Browser(sim, "vulcan").get(
    `${PUPIL}/LoginEndpoint.aspx`);
  assert.match(working.text, /name="LoginName"/);
});

test("deleting moves to the bin, and from there for good", async () => {
  const b = await start("gdansk", "a");
  const headers = vparam(await b.get(`${MAIL}/`));
  const people = await b.get(
    `${MAIL}/Adresaci.mvc/GetAdresaci?IdJednostkaSprawozdawcza=6&Rola=2`);
  const self = people.json.data.find((p) => p.Id === account("gdansk", "a").id);
  const Temat = mark();
  const letter = { Adresaci: [self], Id: 0, Nadawca: self, Temat, Tresc: "x" };
  const sent = await b.postJson(`${MAIL}/NowaWiadomosc.mvc/InsertWiadomosc`,
    { incomming: letter }, headers);
  assert.equal(sent.json.success, true);
  const list = async (name) =>
    (await b.get(`${MAIL}/Wiadomosc.mvc/GetWiadomosci${name}`)).json.data;
  const remove = (Id, Folder) => b.postJson(
    `${MAIL}/Wiadomosc.mvc/UsunWiadomosc`, [{ Id, Folder }], headers);
  const [row] = await list("Odebrane");
  await remove(row.Id, 1);
  assert.deepEqual(await list("Odebrane"), []);
  assert.equal((await list("Wyslane")).length, 1);
  const [binned] = await list("Usuniete");
  assert.equal(binned.Temat, Temat);
  const body = await b.post(`${MAIL}/Wiadomosc.mvc/GetTrescWiadomosci`,
    { idWiadomosc: binned.IdWiadomosci, Folder: 3 });
  assert.equal(body.json.data.Tresc, "x");
  await remove(binned.Id, 3);
  assert.deepEqual(await list("Usuniete"), []);
  assert.equal((await remove(binned.Id, 3)).json.success, false);
});

test("the messages of 2020 go by their later names as well", async () => {
  const b = await start("gdansk", "a");
  const headers = vparam(await b.get(`${MAIL}/`));
  const people = await b.postJson(`${MAIL}/Adresaci.mvc/GetAddressee`, {});
  const self = people.json.data.find((p) => p.Id === account("gdansk", "a").id);
  const Temat = mark();
  const letter = { Adresaci: [self], Id: 0, Nadawca: self, Temat, Tresc: "x" };
  const send = (more) => b.postJson(`${MAIL}/NowaWiadomosc.mvc/InsertWiadomosc`,
    { incomming: { ...letter, ...more } }, headers);
  assert.equal((await send({ Adresaci: [{ ...self, UnitId: 1 }] })).json.success, false);
  assert.equal((await send()).json.success, true);
  const list = async (box) =>
    (await b.get(`${MAIL}/Wiadomosc.mvc/Get${box}Messages`)).json.data;
  const [row] = await list("Inbox");
  assert.equal(row.Temat, Temat);
  assert.equal(row.Nadawca.IdLogin, self.IdLogin);
  const body = await b.post(`${MAIL}/Wiadomosc.mvc/GetInboxMessageDetails`,
    { messageId: row.Id });
  assert.equal(body.json.data.Tresc, "x");
  assert.equal((await list("Inbox"))[0].Nieprzeczytana, false);
  const remove = async (box, h) => (await b.postJson(
    `${MAIL}/Wiadomosc.mvc/Delete${box}Messages`,
    { folder: 1, messages: [row.Id] }, h)).json.success;
  assert.equal(await remove("Inbox"), false);
  assert.equal(await remove("Inbox", headers), true);
  assert.equal((await list("Trashbox")).length, 1);
  assert.equal(await remove("Trashbox", headers), true);
  assert.equal(await remove("Outbox", headers), true);
  assert.deepEqual(await list("Inbox"), []);
  assert.deepEqual(await list("Outbox"), []);
});

test("the hop of 2023 exchanges cufs's token for its own", async () => {
  const b = new Browser(sim, "vulcan");
  const hop =
    "https://uonetplus-logowanie.vulcan.net.pl/lublin/FS/LS?wa=wsignin1.0" +
    `&wtrealm=${encodeURIComponent(entry("lublin"))}&wctx=auth%3Duonet`;
  const first = await logon(b, "lublin", account("lublin", "a"), hop,
    "rm=0&id=");
  assert.equal(actionOf(first), hop);
  const fields = hidden(first.text);
  const second = await b.post(hop, fields);
  assert.equal(actionOf(second), entry("lublin"));
  assert.equal(hidden(second.text).wctx, "auth=uonet");
  // a token is good only where it was meant for
  const skipped = await b.post(entry("lublin"), fields);
  assert.match(skipped.text, /<title>Błąd</);
  const home = await follow(b, second);
  assert.match(home.text, /<title>Uonet\+</);
  // from its own address on it is two forms, or the login first
  const again = await follow(b, await b.get(hop));
  assert.equal(again.forms, 2);
  assert.match(again.text, /<title>Uonet\+</);
  const stranger = await new Browser(sim, "vulcan").get(hop);
  assert.match(stranger.text, /name="LoginName"/);
});

test("the modules of 2022 are entered with a token of their own", async () => {
  const b = await start("gdansk", "a");
  const plus = "https://uonetplus-uczenplus.vulcan.net.pl/gdansk/123456";
  const page = await follow(b, await b.get(`${plus}/LoginEndpoint.aspx`));
  assert.equal(page.forms, 1);
  assert.ok(vparam(page)["X-V-AppVersion"].length > 0);
  const context = await b.get(`${plus}/api/Context`);
  const { key, idDziennik } = context.json.uczniowie[0];
  const query = new URLSearchParams({ key, idDziennik });
  const periods = await b.get(`${plus}/api/OkresyKlasyfikacyjne?${query}`);
  query.set("idOkresKlasyfikacyjny", periods.json[1].id);
  const marks = await b.get(`${plus}/api/Oceny?${query}`);
  assert.equal(marks.json.ocenyPrzedmioty[0].ocenyCzastkowe[0].wpis, "5");
  const mail = "https://uonetplus-wiadomosciplus.vulcan.net.pl/gdansk";
  await follow(b, await b.get(`${mail}/LoginEndpoint.aspx`));
  const boxes = await b.get(`${mail}/api/Skrzynki`);
  assert.equal(boxes.json.length, 1);
  const stranger = new Browser(sim, "vulcan");
  assert.equal((await stranger.get(`${mail}/api/Skrzynki`)).status, 409);
});

// ---- today ----

test("standard accounts of today: login, marks, messages", async () => {
  const b = await dziennik("kielce", "a");
  const page = await follow(b, b.page);
  assert.equal(page.forms, 1);
  assert.ok(b.jar.get("Dziennik.Uczen.Sso"));
  assert.ok(b.jar.cookies.some(
    (c) => c.name.startsWith("X-V-RequestVerificationToken#")));
  const api = `${uczen("kielce")}/api`;
  const { key, idDziennik } = (await b.get(`${api}/Context`)).json.uczniowie[0];
  const plain = Buffer.from(Buffer.from(key, "base64").toString(), "base64");
  assert.match(plain.toString(), /^\d+-\d+-\d+-\d+$/);
  const query = new URLSearchParams({ key, idDziennik });
  const periods = await b.get(`${api}/OkresyKlasyfikacyjne?${query}`);
  query.set("idOkresKlasyfikacyjny", periods.json[1].id);
  const marks = await b.get(`${api}/Oceny?${query}`);
  const [subject] = marks.json.ocenyPrzedmioty;
  assert.equal(subject.kolumnyOcenyCzastkowe[0].oceny[0].wpis, "5");
  query.set("key", "cudzy");
  assert.equal((await b.get(`${api}/Oceny?${query}`)).json.success, false);
  // the second module needs no second login
  const mail = "https://dziennik-wiadomosci.vulcan.net.pl/kielce";
  const box = await follow(b,
    await b.get(`${mail}/Account/Login?returnUrl=/kielce/App`));
  assert.equal(box.forms, 1);
  assert.ok(b.jar.get("Dziennik.Wiadomosci.Sso"));
  const counts = await b.get(`${mail}/api/LiczbyNieodczytanych`);
  assert.equal(counts.json[0].liczbaWiadomosci, 0);
  await b.get(`${uczen("kielce")}/LoginEndpoint.aspx?logout=true`);
  assert.equal((await b.get(`${api}/Context`)).status, 409);
  assert.equal((await b.get(`${mail}/api/Skrzynki`)).status, 409);
});

test("standard accounts of today: what the form refuses", async () => {
  const wrong = await dziennik("kielce", "a", { Haslo: "nie" });
  assert.match(wrong.page.text, /Zła nazwa użytkownika lub hasło/);
  assert.match(wrong.page.text, /name="Haslo"/);
  const lazy = await dziennik("kielce", "a", { "captcha-response": "" });
  assert.match(lazy.page.text, /robotom i robakom/);
  const { form, fields } = lazy.form;
  const answer = fields["captcha-response"];
  const again = (more) => lazy.post(actionOf(form), { ...fields, ...more });
  for (const bad of [
    answer.replace(/\d+/, (n) => Number(n) + 1),
    answer.split(";").slice(1).join(";"),
    `${answer};1`,
    `0${answer}`,
  ])
    assert.match((await again({ "captcha-response": bad })).text, /robotom/);
  const forged = await again({ __RequestVerificationToken: "x" });
  assert.match(forged.text, /Formularz wygasł/);
  assert.equal((await sim.state()).operators.vulcan.logins, 0);
  // the same page is still good
  assert.ok(hidden((await again()).text).wresult);
});

test("eduVULCAN: login, tokens of the pupils, marks", async () => {
  const b = await edu("lublin", "a");
  const ap = await b.get(`${EDU}/api/ap`);
  const value = unescapeHtml(/id="ap"[^>]* value="([^"]*)"/.exec(ap.text)[1]);
  const { Success, Tokens, AccessToken } = JSON.parse(value);
  assert.equal(Success, true);
  assert.equal(AccessToken.split(".").length, 3);
  const claims = JSON.parse(Buffer.from(Tokens[0].split(".")[1], "base64url"));
  assert.equal(claims.tenant, "lublin");
  const { page } = await app(b, claims.uri);
  assert.ok(page.url.href.startsWith("https://uczen.eduvulcan.pl/lublin/"));
  assert.equal(page.forms, 2);
  const api = "https://uczen.eduvulcan.pl/lublin/api";
  const { key, idDziennik } = (await b.get(`${api}/Context`)).json.uczniowie[0];
  const query = new URLSearchParams({ key, idDziennik });
  const periods = await b.get(`${api}/OkresyKlasyfikacyjne?${query}`);
  query.set("idOkresKlasyfikacyjny", periods.json[1].id);
  const marks = await b.get(`${api}/Oceny?${query}`);
  assert.ok(marks.json.ocenyPrzedmioty.some(
    (s) => s.przedmiotNazwa === "Fizyka"));
  await b.get(`${EDU}/wyloguj`);
  const out = await b.get(`${EDU}/api/ap`);
  assert.match(out.text, /name="Password"/);
});

test("eduVULCAN: what the form refuses", async () => {
  const b = await eduForm(account("lublin", "a"));
  const lazy = await b.logon({ "captcha-response": "" });
  assert.equal(lazy.status, 200);
  assert.match(lazy.text, /robotom i robakom/);
  const wrong = await b.logon({ Password: "nie" });
  assert.equal(wrong.status, 200);
  assert.match(wrong.text, /Zła nazwa użytkownika lub hasło/);
  assert.doesNotMatch(wrong.text, /robot/);
  assert.equal((await b.logon()).status, 302);
  const stranger = new Browser(sim, "vulcan");
  const sent = await stranger.get("https://wiadomosci.eduvulcan.pl/lublin/App");
  assert.equal(sent.url.pathname, "/logowanie");
});

test("eduVULCAN: no work is asked for until passwords were refused", async () => {
  const who = account("gdansk", "a");
  // as the clients of 2024 had it
  const old = new Browser(sim, "vulcan");
  const query = await old.post(`${EDU}/Account/QueryUserInfo`, { alias: who.user });
  assert.deepEqual(query.json.data, { ShowCaptcha: false, ExtraMessage: "" });
  const form = await old.get(`${EDU}/logowanie`);
  assert.doesNotMatch(form.text, /captcha-wrapper/);
  const home = await old.post(`${EDU}/logowanie`, {
    Alias: who.user,
    Password: who.password,
    captchaUser: "",
    __RequestVerificationToken: hidden(form.text).__RequestVerificationToken,
  });
  const [, link] = /<a class="connected-account access-row" href="([^"]*)"/
    .exec(home.text);
  assert.match((await app(old, link)).page.url.href,
    /^https:\/\/uczen\.eduvulcan\.pl\/gdansk\//);
  // an easy answer to a question that was not asked is not looked at
  const b = await eduForm(who);
  assert.equal(b.fields["captcha-response"], "");
  assert.equal((await b.logon({ "captcha-response": "1" })).status, 302);
  for (let i = 0; i < 3; i++)
    assert.match((await b.logon({ Password: "nie" })).text, /Zła nazwa/);
  const asked = await b.logon();
  assert.match(asked.text, /robotom i robakom/);
  assert.match(asked.text, /captcha-wrapper/);
  const other = await eduForm(account("gdansk", "b"));
  assert.equal(other.fields["captcha-response"], "", "only of that account");
  const again = await eduForm(who);
  assert.notEqual(again.fields["captcha-response"], "");
  assert.equal((await again.logon()).status, 302);
  assert.equal((await eduForm(who)).fields["captcha-response"], "");
});

test("eduVULCAN: federation in the order of the mobile client", async () => {
  const b = await edu("gdansk", "a");
  const e = encodeURIComponent;
  const first = "https://dziennik-logowanie.vulcan.net.pl/gdansk/Fs/Ls?wa=wsignin1.0" +
    "&wtrealm=https://uczen.eduvulcan.pl/gdansk/Account/Login?returnUrl=https://eduvulcan.pl" +
    "&wctx=auth=studentEV&nslo=1";
  const pupil = await follow(b, await b.get(
    `${EDU}/fs/ls?wa=wsignin1.0&wtrealm=${e(first)}&wctx=nslo%3D1`));
  assert.equal(pupil.url.pathname, "/gdansk/App");
  const mail = "https://wiadomosci.eduvulcan.pl/gdansk";
  const box = await follow(b, await b.get(
    `${gate("gdansk")}/Fs/Ls?wa=wsignin1.0&wtrealm=${mail}/Account/Login` +
    "?returnUrl=/gdansk/App&wctx=auth=studentEV&nslo=1"));
  assert.equal(box.forms, 1);
  const elsewhere = await b.get(`${EDU}/fs/ls?wa=wsignin1.0&wtrealm=${
    e("https://elsewhere.example/gdansk/Fs/Ls?")}`);
  assert.match(elsewhere.text, /<title>Błąd</);
});

test("eduVULCAN: a message, read, moved to the bin and back", async () => {
  const mail = "https://wiadomosci.eduvulcan.pl/gdansk";
  const api = `${mail}/api`;
  const [a, b] = [await edu("gdansk", "a"), await edu("gdansk", "b")];
  const { headers } = await app(a, `${mail}/App`);
  const { headers: theirs } = await app(b, `${mail}/App`);
  const own = (await a.get(`${api}/Skrzynki`)).json[0].globalKey;
  const box = (await b.get(`${api}/Skrzynki`)).json[0].globalKey;
  const people = await a.get(`${api}/Pracownicy?globalKeySkrzynka=${own}`);
  assert.ok(people.json.some((p) => p.skrzynkaGlobalKey === box));
  const foreign = await a.get(`${api}/Pracownicy?globalKeySkrzynka=${box}`);
  assert.equal(foreign.json.success, false);
  const letter = {
    globalKey: crypto.randomUUID(),
    watekGlobalKey: crypto.randomUUID(),
    nadawcaSkrzynkaGlobalKey: own,
    adresaciSkrzynkiGlobalKeys: [box],
    tytul: mark(),
    tresc: "Dzień dobry<br>",
    zalaczniki: [],
  };
  const send = (more, h) =>
    a.postJson(`${api}/WiadomoscNowa`, { ...letter, ...more }, h);
  assert.match((await send()).json.feedback.Message, /anti-forgery/);
  for (const wrong of [{ globalKey: "1" }, { tytul: "" },
    { adresaciSkrzynkiGlobalKeys: [crypto.randomUUID()] },
    { nadawcaSkrzynkaGlobalKey: box }])
    assert.equal((await send(wrong, headers)).json.success, false);
  const sent = await send({}, headers);
  assert.equal(sent.status, 204);
  assert.equal(sent.text, "");
  const list = async (who, name, key) => (await who.get(
    `${api}/${name}?globalKeySkrzynka=${key}&idLastWiadomosc=0&pageSize=50`,
  )).json;
  const [out] = await list(a, "WyslaneSkrzynka", own);
  assert.equal(out.apiGlobalKey, letter.globalKey);
  const [row] = await list(b, "OdebraneSkrzynka", box);
  assert.equal(row.temat, letter.tytul);
  assert.equal(row.przeczytana, false);
  assert.match(row.data, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+]\d\d:\d\d$/);
  const details = `${api}/WiadomoscSzczegoly?apiGlobalKey=${row.apiGlobalKey}`;
  assert.equal((await b.get(details)).json.tresc, letter.tresc);
  assert.equal((await b.get(details)).json.odczytana, false);
  const put = await b.exchange("PUT", `${api}/WiadomoscSzczegoly`, {
    body: JSON.stringify({ apiGlobalKey: row.apiGlobalKey }),
    type: "application/json",
    headers: theirs,
  });
  assert.equal(put.status, 204);
  assert.equal((await b.get(details)).json.odczytana, true);
  const move = async (name, left) => {
    const done = await b.postJson(`${api}/${name}`, [row.apiGlobalKey], theirs);
    assert.equal(done.status, 204, name);
    const counts = [];
    for (const folder of ["OdebraneSkrzynka", "UsunieteSkrzynka"])
      counts.push((await list(b, folder, box)).length);
    assert.deepEqual(counts, left, name);
  };
  await move("MoveTrash", [0, 1]);
  await move("RestoreTrash", [1, 0]);
  await move("MoveTrash", [0, 1]);
  await move("Delete", [0, 0]);
  assert.equal((await list(a, "WyslaneSkrzynka", own)).length, 1);
  await sim.reset();
  assert.equal((await a.get(`${api}/Skrzynki`)).status, 409);
});

test("one symbol can fail alone, also at eduVULCAN's one door", async () => {
  await sim.fault("vulcan", "http_503", { deployment: "lublin" });
  await edu("gdansk", "a");
  const b = new Browser(sim, "vulcan");
  const query = await b.post(`${EDU}/Account/QueryUserInfo`,
    { UserName: account("lublin", "a").user });
  assert.equal(query.status, 503);
  const door = await b.get(`${uczen("kielce")}/Account/Login`);
  assert.equal(door.status, 200);
});

test("a module of 2020 ends after 15 minutes, one of today after 20", async () => {
  const b = await start("gdansk", "a");
  await b.get(`${PUPIL}/LoginEndpoint.aspx`);
  const ask = async () => (await b.exchange(
    "POST", `${PUPIL}/UczenDziennik.mvc/Get`)).json?.success === true;
  for (let i = 0; i < 2; i++) {
    await sim.forward(14 * 60, "vulcan");
    assert.equal(await ask(), true, "each use prolongs it");
  }
  await sim.forward(15 * 60 + 1, "vulcan");
  assert.equal(await ask(), false);
  const today = await dziennik("kielce", "a");
  await follow(today, today.page);
  const status = async () =>
    (await today.get(`${uczen("kielce")}/api/Context`)).status;
  await sim.forward(19 * 60, "vulcan");
  assert.equal(await status(), 200);
  await sim.forward(20 * 60 + 1, "vulcan");
  assert.equal(await status(), 409);
});
