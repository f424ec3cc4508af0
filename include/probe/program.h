#ifndef PROBE_PROGRAM_H
#define PROBE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "conf/problems.h"

/*
 * A profile compiled for all its deployments: templates split, XPath and
 * regular expressions compiled, every name resolved, `use` expanded. Made at
 * start and reload, immutable, counted (any thread).
 *
 * TEMPLATES: url, headers, form values, json, body, hosts, and every "TEXT"
 *   ${NAME} or ${NAME|FILTER|FILTER}, up to four filters; "$$" is a dollar
 *   sign, a lone "$" is itself. NAME is
 *     a variable of the deployment (named in `vars`), for example ${host}
 *     sender.FIELD recipient.FIELD  a field of that account's file
 *     account.FIELD    of whichever account the step acts as
 *     an extraction made by an earlier step, or a derivation; each account has
 * its own, and a step sees its own account's first, then the other's
 *     NAME.action      the absolute address an extracted form is sent to
 *     run.id           the trace id, 32 hex digits
 *     run.mark         "dyzurny-" and 16 hex digits, new in each run: put it
 *                      into the subject of the message
 *     run.uuid         a random UUID
 *     now, now.ms      seconds, milliseconds since 1970
 *     now.date, now.time           "2026-11-24", "08:14:05" in Poland
 *     date-7d, date+1d             the date that many days away (up to 999)
 *   FILTER is url (percent-encode all but unreserved), json (escape for
 *   inside a JSON string), base64, html (escape), lower, upper (ASCII), trim.
 *   Form values are encoded by us and need no filter; nothing else is, so
 *   inside a `json` text write "${name|json}". In an address, bytes that may
 *   not stand there are percent-encoded at last.
 *
 * TEXT is in double or single quotes, with a backslash before a quote or a
 *   backslash that belongs to it. In a libconfig string single quotes are the
 *   easier ones: "body contains 'jest'".
 *
 * SELECTORS look into the page, which is UTF-8 whatever its charset was (by
 * byte order mark, Content-Type, then meta)
 *   json /POINTER          RFC 6901; one part may be "*": any element of an
 *                          array or object, the first for which the rest
 *                          exists; json / (or "") is the whole
 *   json /POINTER where /REST = "TEXT"         with a "*" in POINTER: the
 *   json /POINTER where /REST contains "TEXT"  first element that has it
 *   xpath EXPR             XPath 1.0 over the HTML tree, to the end of the
 *                          line; template names are variables,
 *                          functions those of XPath 1.0:
 *                          //tr[contains(., $run.mark)]/@rel
 *   regex /PATTERN/        PCRE2, optional "i" after it; the first group, or
 *                          the whole match; looks at the first 256 kB and is
 *                          stopped when it gets too expensive
 *
 * EXTRACTORS, key `extract`: "NAME = EXTRACTOR"; with "NAME ?= EXTRACTOR" a
 * missing value is empty, else it ends the transaction as extract_failed.
 * NAME is up to 31 of [A-Za-z0-9_], beginning with a letter.
 *   a selector             the string; a number or true/false as written; a
 *                          JSON object or array as compact JSON; of XPath
 *                          the string-value of the first node, trimmed
 *   form FIELD             all inputs of type hidden of the form that holds
 *                          the field named FIELD; is used only by a form
 *                          pair "*" = "NAME" and as ${NAME.action}; pairs
 *                          written beside it win over its fields
 *   header NAME · cookie NAME (as would be sent to the last address)
 *   between "TEXT" "TEXT"  from after the first to before the next second
 *   url                    the last address, after redirects
 * Values are at most 64 kB.
 *
 * DERIVATIONS, key `derive`: "NAME = pow CHALLENGE DIFFICULTY ROUNDS"
 *   a value made before the step's request, for ${NAME} in it and later. Each
 *   of the three is a word without blanks or a quoted TEXT, with templates.
 *   pow is a proof of work: to the challenge (1 to 256 bytes), per round (1 to
 *   64), the smallest whole number from 1 is appended for which the first four
 *   bytes of the SHA-256 of it all, as a number, are below the difficulty (1
 *   to 4294967295); the value is these numbers joined by ";". It is done on a
 *   worker, and its time is ours: neither latency, timeout nor taint have it.
 *   Of what would need over 16 million blocks of SHA-256, and after 32
 *   million, there is no value: extract_failed, as for bad numbers.
 *
 * CHECKS, keys `expect` (all must hold) and `until`
 *   status 200 · status in 200..299
 *   body contains "TEXT" · body lacks "TEXT" · header NAME contains "TEXT" ·
 *   url contains "TEXT" · url lacks "TEXT"
 *   xpath EXPR             a node, true, a number not 0, a string not ""
 *   json SELECTOR [= "TEXT" | contains "TEXT"]   present (null is not)
 *   regex /PATTERN/ · cookie NAME · size at least N (bytes as decoded)
 *   not CHECK
 *
 * MARKERS: of the given body (plain text in the page), url (part of the last
 * address), xpath, json ("/POINTER", "/POINTER = TEXT" or "/POINTER contains
 * TEXT", with or without quotes) and status all must hold. Plain text, no
 * templates. Reason "ok" ends the search: the page is as it should be.
 *   A marker with url, xpath or json has a place and is tried on every page.
 * One of nothing but body and status is of words, which anybody may write
 * into the subject of a letter: it is tried only on a page that is not known
 * to be the one sought, by 3. to 5. below, or because the step looks for
 * nothing in it: no selector or "body contains" in `expect` or `until`, no
 * extraction. After the login, a reason that stops the account (see
 * model/reason.h) is believed of words only beside a password's field.
 *
 * JUDGEMENT of the last response of a step, redirects followed:
 *   1. an exchange that failed by itself has its reason;
 *   2. the profile's markers that have a place, in order, the first that
 *      holds. They are tried also when the checks would hold, so a marker
 *      must not fit good pages;
 *   3. status 500 and more: http_5xx, 400 and more: http_4xx, 300 and more:
 *      unknown_page, unless a `status` check of the step allows it (or, for
 *      300 and more, `follow` is 0);
 *   4. the checks; one fails: unknown_page;
 *   5. the extractions; one fails: extract_failed.
 *   Before 3. to 5. give their reason the profile's markers of words are
 *   tried, then the general words; at 500 and more of these only maintenance
 *   and overload.
 *
 *   The general words are those of a captcha, of a module that is off, of an
 *   account that is locked or has expired, of maintenance and of overload.
 *   After the login, a page that asks for credentials instead of what was
 *   sought is http_4xx: the session is over. Maintenance and overload are not
 *   believed of a page that asks for credentials or offers to log out.
 *
 *   A page over 32 kB is judged on a worker.
 *
 * REDIRECTS are followed by us up to `follow`; more are a redirect_loop. 301,
 * 302 and 303 go on with GET, 307 and 308 send the same again, but never a
 * step that is not idempotent (unknown_page). Every address, also a step's
 * own, must be on one of the profile's `hosts`, else nothing is sent and the
 * step is an unknown_page. Such a redirect may have another reason by its
 * address: that of a marker of nothing but an address, or by general words
 * maintenance_page and, after the login, http_4xx for one of a login. From
 * https to http is never followed: the same address is asked over https, if it
 * has no port of its own. So is a step's address that a page gave with http; a
 * profile's own must be https.
 *
 * HEADERS of every request: the profile's, then the step's (which win by
 * name), and by default as a browser has them: Content-Type; Referer, the
 * last HTML page of this account's session (only its origin to another
 * host); Origin with all but GET; an empty value sends none of these. A
 * header Cookie is added to the session's own cookies, for those that a page's
 * script would set. traceparent is ours.
 *
 * POLLS (`until`, `every`, `at_most`, `late`): the step is repeated, `every`
 * after the last answer, until the check holds. Time that runs out with
 * orderly pages is message_lost; an answer that is bad by 1. to 4., or asks
 * for credentials, ends it at once. What is found later than `late` after the
 * measured span began (or the poll, if the span has not begun), makes the
 * transaction message_late when all its steps hold; what needs the transaction
 * is tried nonetheless.
 *
 * ONCE, key `once`: a selector, json with a "*" or xpath, that counts the rows
 * of the message in the page of a step that holds. More than one is noticed:
 * in the note of the exchange, in `copies` of the result and in the log; it is
 * no reason. In clean-up it is counted for the transaction that found it.
 *
 * LOST ANSWERS, key `if_lost` of a step that is not idempotent: the names of
 * later steps of the transaction that are played, in order, only when the
 * request was sent and no whole answer came (silence, a reset, or anything
 * that went wrong on the way of a redirect after it), for instance to look
 * into the sent box. When all of them hold, the transaction goes on after
 * them; when one does not, it ends as it would have in that step. Give the
 * step a `timeout`, so that time is left. Nothing is ever sent again.
 *
 * STEPS with `use` are replaced by the steps of that transaction (its
 * `always` ones and those of an `if_lost` left out), acting as this step says,
 * named NAME-STEP.
 * No request is ever repeated after an error. An `always` step is left out
 * when a name in it has no value, or its account has had no answer yet in
 * this run; it has at most 10 s, and changes no verdict. In an `always`
 * transaction "NAME ?= EXTRACTOR" that finds nothing leaves NAME without a
 * value; and with `repeat` its steps are played again, up to so many rounds,
 * after each round in which every step held: to delete one by one. It sees the
 * values that any step before it extracted, those of polls included. `timeout`
 * of a step is the most that its answer may take, redirects included.
 */
struct probe_program;

/*
 * probe_compile checks and compiles one profile; what is wrong goes to
 * `problems` with file, line and key. Returns one reference, or NULL if it
 * added any problem. Allocates; start and reload only.
 */
struct probe_program *probe_compile(
    const struct conf_profile *profile, struct conf_problems *problems);

struct probe_program *probe_program_hold(struct probe_program *program);
void probe_program_release(struct probe_program *program);

/* probe_check_deployment: every ${…} of the program has a value in this
 * deployment: variables, account fields. Adds to `problems`. */
void probe_check_deployment(const struct probe_program *program,
    const struct conf_deployment *deployment, struct conf_problems *problems);

/* The measured transactions (not the `always` ones), in order. */
size_t probe_program_transactions(const struct probe_program *program);
const char *probe_program_transaction(
    const struct probe_program *program, size_t i);

#endif
